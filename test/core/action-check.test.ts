import t from 'tap'
import type { ActionSpec } from '../../src/api/action.ts'
import { checkAction, doubtsOf, secretsOf, type CheckTools } from '../../src/core/action-check.ts'
import { createCel } from '../../src/cel/cel.ts'
import { anActionSpec, anHttp } from '../support/build.ts'

const seen: string[] = []
const tools: CheckTools = {
  checkExpression: (source, variables, want) => {
    seen.push(`${source} [${variables.join()}] ${want}`)
    return source.includes('bad') ? 'unknown variable: bad' : undefined
  },
  unknownFields: (source, _variables, known) =>
    Object.keys(known).flatMap((variable) =>
      source.startsWith(`${variable}.`)
        ? [{ path: source, name: source.split('.').at(-1) ?? '', known: ['includedNamespaces', 'status'] }]
        : [],
    ),
  parsePem: (pem) => (pem.includes('END') ? undefined : 'there is no certificate in it'),
}
const pathsOf = (given: Partial<ActionSpec>) =>
  checkAction(anActionSpec(given), tools).map(({ path }) => path)
const secret = { secretKeyRef: { name: 's', key: 'k' } }

for (const [name, { given, want }] of Object.entries({
  'one that is right': { given: {}, want: [] },
  'a match expression': { given: { match: { expression: 'bad' } }, want: ['spec.match.expression'] },
  'an output': {
    given: {
      outputs: [
        { name: 'a', expression: 'ok' },
        { name: 'b', expression: 'bad' },
      ],
    },
    want: ['spec.outputs[1].expression'],
  },
  'a URL': { given: { http: anHttp({ url: 'https://u:p@a.example/' }) }, want: ['spec.http.url'] },
  'an expression in the URL': {
    given: { http: anHttp({ url: 'https://a.example/${bad}' }) },
    want: ['spec.http.url'],
  },
  'an expression in the body': {
    given: { http: anHttp({ body: { a: ['${bad}'] } }) },
    want: ['spec.http.body.a[0]'],
  },
  'an open template in a header': {
    given: { http: anHttp({ headers: [{ name: 'a', value: '${x' }] }) },
    want: ['spec.http.headers[0].value'],
  },
  'a header of the framing': {
    given: { http: anHttp({ headers: [{ name: 'Host', valueFrom: secret }] }) },
    want: ['spec.http.headers[0].name'],
  },
  certificates: { given: { http: anHttp({ caBundle: 'x' }) }, want: ['spec.http.caBundle'] },
  'a retry that contradicts itself': {
    given: { retry: { limit: 1, retryOn: ['network'], initialSeconds: 9, factor: 2, maxSeconds: 1 } },
    want: ['spec.retry.maxSeconds'],
  },
  'a retry of a success': {
    given: { retry: { limit: 1, retryOn: ['204'], initialSeconds: 1, factor: 2, maxSeconds: 9 } },
    want: ['spec.retry.retryOn[0]'],
  },
  'all at once': {
    given: { match: { expression: 'bad' }, http: anHttp({ url: 'https://a.example/${bad}', caBundle: 'x' }) },
    want: ['spec.match.expression', 'spec.http.caBundle', 'spec.http.url'],
  },
})) {
  t.test(`every problem of an Action has its field path: ${name}`, async (t) => {
    t.same(pathsOf(given), want)
  })
}

t.test(
  'an expression may use what is there: the object to match, the response for outputs, all in a body',
  async (t) => {
    seen.length = 0
    pathsOf({
      stage: 'PostRestore',
      match: { expression: 'm' },
      outputs: [{ name: 'a', expression: 'o' }],
      http: anHttp({ body: '${b}' }),
    })
    t.same(seen, ['m [restore] bool', 'o [response] any', 'b [restore,outputs,exported,stage] any'])
  },
)

const { http: _http, ...bodiless } = anActionSpec()
const target = { apiVersion: 'v1', kind: 'Pod' }

t.test('what a wait waits for is checked, and sees the object besides what a body sees', async (t) => {
  seen.length = 0
  checkAction({ ...bodiless, wait: { ...target, name: 'a', until: 'u' } }, tools)
  checkAction({ ...bodiless, wait: { ...target, selector: {}, until: 'u' } }, tools)
  checkAction({ ...bodiless, wait: { ...target, selector: {}, gone: true } }, tools)
  t.same(seen, ['u [backup,outputs,stage,object] bool', 'u [backup,outputs,stage,object,objects] bool'])
  const bad = { ...bodiless, wait: { ...target, name: 'a', until: 'bad' } }
  t.match(checkAction(bad, tools), [{ path: 'spec.wait.until' }])
})

t.test('a selector that could mean something else is a problem', async (t) => {
  const selector = { matchLabels: { a: 'b,c' } }
  const wait = { ...target, selector, gone: true }
  t.match(checkAction({ ...bodiless, wait }, tools), [{ path: 'spec.wait.selector' }])
  const scale = { ...target, selector, replicas: 0 }
  t.match(checkAction({ ...bodiless, scale }, tools), [{ path: 'spec.scale.selector' }])
})

for (const [name, { spec, has, hasNot }] of Object.entries({
  'a wait for one': {
    spec: { ...bodiless, wait: { ...target, name: 'a', gone: true } },
    has: 'object',
    hasNot: 'status',
  },
  'a wait for some': {
    spec: { ...bodiless, wait: { ...target, selector: { matchLabels: { a: 'b' } }, gone: true } },
    has: 'objects',
    hasNot: 'object',
  },
  'a scale': {
    spec: { ...bodiless, scale: { ...target, name: 'a', replicas: 0 } },
    has: 'objects',
    hasNot: 'body',
  },
  'an HTTP call': { spec: anActionSpec(), has: 'body', hasNot: 'objects' },
}))
  t.test(`outputs find what the body gives back: ${name}`, async (t) => {
    const real = { ...tools, unknownFields: createCel().unknownFields }
    const fault = (field: string) =>
      checkAction({ ...spec, outputs: [{ name: 'x', expression: `response.${field}` }] }, real)
    t.same(fault(has), [])
    t.match(fault(hasNot), [{ path: 'spec.outputs[0].expression', want: /is not there/ }])
  })

t.test('a spec without a body of ours has nothing more to check', async (t) => {
  t.same(checkAction(bodiless, tools), [])
  t.same(secretsOf(bodiless), [])
})

t.test('the Secrets of a spec, with where they are named', async (t) => {
  const http = anHttp({
    headers: [
      { name: 'a', value: 'x' },
      { name: 'b', valueFrom: secret },
    ],
  })
  t.same(secretsOf(anActionSpec({ http })), [
    { name: 's', key: 'k', path: 'spec.http.headers[1].valueFrom.secretKeyRef' },
  ])
})

t.test('a field that Velero is not known to have is a doubt with its path, and no problem', async (t) => {
  const spec = anActionSpec({
    match: { expression: 'backup.spec.includedNamespace' },
    http: anHttp({
      url: 'https://a.example/${backup.spec.statsu}',
      headers: [{ name: 'a', value: '${backup.spec.zone}' }],
      body: { a: ['${backup.spec.x}'] },
    }),
  })
  t.same(checkAction(spec, tools), [])
  t.same(doubtsOf(spec, tools), [
    'spec.match.expression: backup.spec.includedNamespace is no field of Velero 1.18 (did you mean includedNamespaces?), and an expression that finds it absent fails',
    'spec.http.url: backup.spec.statsu is no field of Velero 1.18 (did you mean status?), and an expression that finds it absent fails',
    'spec.http.body.a[0]: backup.spec.x is no field of Velero 1.18 (there is includedNamespaces, status), and an expression that finds it absent fails',
    'spec.http.headers[0].value: backup.spec.zone is no field of Velero 1.18 (there is includedNamespaces, status), and an expression that finds it absent fails',
  ])
})

t.test(
  'a field that the answer of an action does not have is a problem: it will never be there',
  async (t) => {
    const spec = anActionSpec({ outputs: [{ name: 'a', expression: 'response.statu' }] })
    t.match(checkAction(spec, tools), [
      { path: 'spec.outputs[0].expression', want: /response\.statu is not there \(did you mean status\?\)/ },
    ])
    t.same(doubtsOf(spec, tools), [])
  },
)

t.test('whoever looks for exported outputs where they are not is told where they are', async (t) => {
  const cel = createCel()
  const real = { ...tools, checkExpression: cel.check, unknownFields: cel.unknownFields }
  const wants = (given: Partial<ActionSpec>) =>
    checkAction(anActionSpec(given), real).map(({ path, want }) => `${path}: ${want}`)
  const http = anHttp({ body: "${exported['10-freeze'].lsn}" })
  t.match(wants({ stage: 'PreBackup', http }), [
    /^spec.http.body: .*unknown variable "exported": .*"exported\['10-freeze'\].*: exported is there only in actions of a Restore/,
  ])
  t.match(wants({ stage: 'PostRestore', match: { expression: 'exported.a.b' }, http }), [
    /^spec.match.expression: .*exported is there in what an action does/,
  ])
  t.match(wants({ http: anHttp({ body: '${bakup.x}' }) }), [/^(?!.*exported is)/])
})
