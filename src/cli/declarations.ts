/** The flags of commands that read declared plugins from files. */
import { Option } from 'commander'
import { isProxyDomain } from '../core/plugin/proxy.ts'

/** The flags, read. */
export type DeclarationFlags = {
  readonly filename: readonly string[]
  readonly proxyDomain: string | undefined
}

/** The values of a flag that may be given several times. */
export const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value]

/** `-f`: where declarations are. */
export const filenameOption = (more = ''): Option =>
  new Option(
    '-f, --filename <path>',
    `VeleroPlugins, or a Config or Installation of Embedded Cluster, also in a ConfigMap${more}: a file, a folder, or - for stdin (repeatable)`,
  )
    .argParser(gather)
    .default([], 'none')

/** `--proxy-domain`. */
export const proxyDomainOption = (): Option =>
  new Option('--proxy-domain <host>', 'what stands for proxy.replicated.com in images')

/** What is wrong with them. */
export const declarationProblems = ({ filename, proxyDomain }: DeclarationFlags): readonly string[] => [
  ...(filename.filter((name) => name === '-').length > 1
    ? ['-f - must be given once: stdin is read to its end']
    : []),
  ...(proxyDomain === undefined || isProxyDomain(proxyDomain)
    ? []
    : [`--proxy-domain must be HOST[:PORT], got "${proxyDomain}"`]),
]
