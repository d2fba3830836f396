# The image of tidewaiter: what tsc emits, its dependencies, and Node. No shell, no npm, no sandbox.
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm-slim
ARG BASE_IMAGE=gcr.io/distroless/nodejs24-debian12

FROM ${BUILD_IMAGE} AS build
WORKDIR /app
# Dependencies first: they change less often than the source, so their layer is kept.
# The optional ones stay here, because the TypeScript compiler itself is one (a binary for each platform).
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
# The sandbox is for a developer's machine: where something names it, it is still not shipped.
RUN npm run build && rm -rf dist/sandbox dist/cli/sandbox*.js
# Node comes with the base image, not by npm: hence without the optional ones.
RUN npm prune --omit=dev --omit=optional --no-audit --no-fund

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tidewaiter" \
      org.opencontainers.image.description="Runs actions once before and after a Velero Backup or Restore, and refuses it when they fail" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The two places where base images keep node: the official one, and the distroless one.
ENV PATH=/usr/local/bin:/nodejs/bin:/usr/bin:/bin \
    NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
# package.json says that what is in dist are modules, and which version this is.
COPY --from=build /app/package.json ./package.json
COPY --from=build /app/dist ./dist
USER 65532:65532
EXPOSE 9443 8080
ENTRYPOINT ["node", "/app/dist/main.js"]
