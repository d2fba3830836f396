/** Embedded Cluster's registry proxy: images that are pulled through it name its domain, which an install may have replaced. */
import { parseImage } from '../image.ts'
import type { PluginDocument, WrittenPlugin } from './sources.ts'

// embedded-cluster pkg/addons/velero/values.go: this domain is replaced in all values.
const proxy = 'proxy.replicated.com/'

/** Whether a text is a domain that may stand for the proxy: `HOST[:PORT]`, as it is written in a reference. */
export function isProxyDomain(text: string): boolean {
  const read = parseImage(`${text}/image`)
  return 'ok' in read && read.ok.registry === text
}

/** The image, with the domain of this install instead of the proxy's own. */
export const imageThroughProxy = (image: string, domain: string | undefined): string =>
  domain !== undefined && image.startsWith(proxy) ? `${domain}/${image.slice(proxy.length)}` : image

/** The document, each of its images through the proxy. */
export const throughProxy = (document: PluginDocument, domain: string | undefined): PluginDocument => ({
  ...document,
  plugins: document.plugins.map((plugin) => pluginThroughProxy(plugin, domain)),
})

function pluginThroughProxy(plugin: WrittenPlugin, domain: string | undefined): WrittenPlugin {
  const { image, fields } = plugin
  return {
    ...plugin,
    image: typeof image === 'string' ? imageThroughProxy(image, domain) : image,
    fields: fields === undefined ? undefined : { ...fields, image: imageThroughProxy(fields.image, domain) },
  }
}
