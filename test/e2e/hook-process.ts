/** The server that actions call, as a process beside a light cluster: keeps its certificate where tests look for it, and serves. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hookCertificate, hookNamespace } from './hook-certificate.ts'

const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-hook-'))
for (const [name, text] of Object.entries(await hookCertificate())) writeFileSync(join(folder, name), text)
const kubectl = (...args: readonly string[]) => execFileSync(process.env['KUBECTL'] ?? 'kubectl', args)
kubectl('create', 'namespace', hookNamespace)
kubectl('create', 'secret', 'generic', 'hook-tls', '--namespace', hookNamespace, '--from-file', folder)
process.env['HOOK_TLS'] = folder
await import('./hook-server.ts')
