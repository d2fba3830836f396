/** Where the sandbox is known to differ: DIFFERENCES.md. `node test/contract/differences.ts` writes it anew. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'
import { startSandbox } from './sandbox.ts'
import { runSuite, type Result } from './suite.ts'

const file = new URL('DIFFERENCES.md', import.meta.url)
// A Status can be long; what matters is at its head.
const longest = 1200
const head = `# Where the sandbox differs from the real API server

Each case holds on kube-apiserver 1.36.3 and fails on the sandbox. \`+\` is what the sandbox gave, \`-\` what was wanted.
\`node test/contract/differences.ts\` writes this file anew, and removes it when nothing is left.
`

/** The names of the cases that DIFFERENCES.md lists; none if there is no such file. */
export async function knownDifferences(): Promise<ReadonlySet<string>> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return new Set([...text.matchAll(/^## (.+)$/gm)].map((found) => found[1] ?? ''))
}

const section = ({ name, failed }: Result): string =>
  `\n## ${name}\n\n\`\`\`\n${stripVTControlCharacters(String(failed)).slice(0, longest).trim()}\n\`\`\`\n`

async function write(): Promise<void> {
  const sandbox = await startSandbox()
  const failed: Result[] = []
  await runSuite(sandbox.endpoint, { has: ['controller-manager'] }, (result) => {
    if (result.failed !== undefined) failed.push(result)
  })
  await sandbox.stop()
  const sections = failed.sort((a, b) => a.name.localeCompare(b.name)).map(section)
  if (sections.length === 0) await rm(file, { force: true })
  else await writeFile(file, head + sections.join(''))
  console.log(`${sections.length} differences`)
}

if (import.meta.main) await write()
