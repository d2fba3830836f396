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
RUN npm prune --omit=dev --omit=optional --no-audit --no-fund && mkdir compiled

FROM ${BASE_IMAGE} AS app
# The two places where base images keep node: the official one, and the distroless one.
ENV PATH=/usr/local/bin:/nodejs/bin:/usr/bin:/bin \
    NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/compiled
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
# package.json says that what is in dist are modules, and which version this is.
COPY --from=build /app/package.json ./package.json
COPY --from=build /app/dist ./dist

# What V8 makes of the files that `serve` loads, for the Node, the processor and the account that made it; another compiles as before.
FROM app AS compiled
COPY --from=build --chown=65532:65532 /app/compiled ./compiled
USER 65532:65532
# With the flags of the ENTRYPOINT: for others it would be made again.
RUN ["node", "--max-semi-space-size=4", "/app/dist/main.js", "serve", "--help"]
RUN ["node", "--max-semi-space-size=4", "-e", "process.exit(require('node:fs').readdirSync('/app/compiled', { recursive: true, withFileTypes: true }).some((one) => one.isFile()) ? 0 : 1)"]

FROM app
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tidewaiter" \
      org.opencontainers.image.description="Runs actions once before and after a Velero Backup or Restore, and refuses it when they fail" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A replica starts sooner with it. The account that runs can write nowhere here.
COPY --from=compiled --chown=0:0 --chmod=0555 /app/compiled ./compiled
USER 65532:65532
EXPOSE 9443 8080
# Half of these threads may wait for name servers (src/net/lookup.ts): a few names that nobody answers for hold up no other.
ENV UV_THREADPOOL_SIZE=16
# Room for young objects, MiB. V8 takes up to 134 MB for them on a large node, and is not faster (npm run bench -- admission).
ENTRYPOINT ["node", "--max-semi-space-size=4", "/app/dist/main.js"]
