/** Calls a real API server as anybody: through `kubectl proxy` as an administrator, with the impersonation header. */
import { spawn } from 'node:child_process'

/** An object of the API server. */
// oxlint-disable-next-line typescript/no-explicit-any -- what an API server answers is looked into, and asserted
export type Loose = any
/** What the API server answered; the body is looked into by tests. */
export type Answer = { readonly status: number; readonly body: Loose; readonly warnings: readonly string[] }

const fields = {
  POST: 'application/json',
  PUT: 'application/json',
  PATCH: 'application/merge-patch+json',
} as const
type Method = 'GET' | 'DELETE' | keyof typeof fields

/** A request: `as` is a user name, or undefined for the administrator. */
export type Call = (
  method: Method,
  path: string,
  about?: { readonly as?: string | undefined; readonly body?: unknown; readonly type?: string },
) => Promise<Answer>

/** Starts the proxy on a free port of 127.0.0.1. */
export async function startClient(
  kubeconfig: string,
): Promise<{ readonly call: Call; readonly stop: () => void }> {
  const kubectl = process.env['KUBECTL'] ?? 'kubectl'
  const proxy = spawn(kubectl, ['--kubeconfig', kubeconfig, 'proxy', '--port=0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // Also when a test ends by an error: the proxy would go on, and hold our stderr open.
  process.on('exit', () => proxy.kill())
  const base = await new Promise<string>((resolve, reject) => {
    let text = ''
    proxy.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const [, port] = /127\.0\.0\.1:(\d+)/.exec(text) ?? []
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
    proxy.on('exit', () => reject(new Error(`kubectl proxy ended: ${text}`)))
    proxy.on('error', reject)
  })
  const call: Call = async (method, path, { as, body, type } = {}) => {
    const headers: Record<string, string> = {}
    if (method !== 'GET' && method !== 'DELETE') headers['content-type'] = type ?? fields[method]
    if (as !== undefined) headers['impersonate-user'] = as
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
    const response = await fetch(`${base}${path}`, init)
    // Several come in one header; none of ours has a quotation mark in it.
    const warnings = [...(response.headers.get('warning') ?? '').matchAll(/299 \S+ "([^"]*)"/gu)]
    const text = await response.text()
    return {
      status: response.status,
      // What is not served is told in plain text.
      body: text.startsWith('{') ? JSON.parse(text) : text,
      warnings: warnings.map(([, text = '']) => text),
    }
  }
  return { call, stop: () => proxy.kill() }
}

/** The answer, or an error if it is neither good nor one of `also`. */
export async function must(answer: Promise<Answer>, also: readonly number[] = []): Promise<Answer> {
  const got = await answer
  if (got.status >= 300 && !also.includes(got.status))
    throw new Error(`${got.status} ${JSON.stringify(got.body).slice(0, 500)}`)
  return got
}

const plurals: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  CustomResourceDefinition: 'customresourcedefinitions',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
  Backup: 'backups',
  Restore: 'restores',
  Schedule: 'schedules',
  ActionRun: 'actionruns',
  AdmissionDecision: 'admissiondecisions',
  ConfigMap: 'configmaps',
  DeleteBackupRequest: 'deletebackuprequests',
}

/** Where objects of this kind are made. */
export function pathOf(object: Loose): string {
  const group = object.apiVersion === 'v1' ? '/api/v1' : `/apis/${object.apiVersion}`
  const within = object.metadata.namespace === undefined ? '' : `/namespaces/${object.metadata.namespace}`
  return `${group}${within}/${plurals[object.kind]}`
}

/** Where this object is. */
export const addressOf = (object: Loose): string => `${pathOf(object)}/${object.metadata.name}`
