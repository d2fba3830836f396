/** What the bodies that call the Kubernetes API may say. */
import t from 'tap'
import { actionKind } from '../../src/api/action.ts'
import { parse } from '../../src/api/parse.ts'
import { sentenceOf } from '../../src/api/problems.ts'

const pod = { apiVersion: 'v1', kind: 'Pod' }
const wait = (body: object) => ({ wait: { ...pod, ...body } })
const scale = (body: object) => ({
  scale: { apiVersion: 'apps/v1', kind: 'Deployment', replicas: 0, ...body },
})
const problems = (spec: object) => {
  const parsed = parse(actionKind.spec, { stage: 'PreBackup', serviceAccountName: 'a', ...spec }, 'spec')
  return 'problems' in parsed ? parsed.problems.map(sentenceOf) : []
}

for (const [name, spec] of Object.entries({
  'a wait for one by its name': wait({ name: 'a', until: 'true' }),
  'a wait until there is none': wait({ selector: {}, gone: true }),
  'a wait for a number of them': wait({ selector: {}, until: 'true', minCount: 0 }),
  'a name with a colon, as of a ClusterRole': wait({ name: 'system:node', gone: true }),
  'a Secret of another group': {
    wait: { apiVersion: 'example.org/v1', kind: 'Secret', name: 'a', gone: true },
  },
  'a scale that is reverted': { ...scale({ name: 'a' }), undo: { revert: true } },
  'a scale that is undone by a call': { ...scale({ name: 'a' }), undo: { http: { url: 'http://a/' } } },
}))
  t.test(`it may be ${name}`, async (t) => {
    t.same(problems(spec), [])
  })

for (const [name, { spec, want }] of Object.entries({
  'no aim': { spec: wait({ gone: true }), want: /exactly one of name and selector/ },
  'two aims': {
    spec: wait({ name: 'a', selector: {}, gone: true }),
    want: /exactly one of name and selector/,
  },
  'a path for a name': { spec: wait({ name: 'a/b', gone: true }), want: /spec\.wait\.name/ },
  'a version that is none': {
    spec: wait({ apiVersion: 'v1/../..', name: 'a', gone: true }),
    want: /apiVersion/,
  },
  'a plural for a kind': { spec: wait({ kind: 'pods', name: 'a', gone: true }), want: /spec\.wait\.kind/ },
  Secrets: { spec: wait({ kind: 'Secret', name: 'a', until: 'true' }), want: /Secrets must not be aimed at/ },
  'nothing to wait for': { spec: wait({ name: 'a' }), want: /exactly one of until and gone/ },
  'nothing to wait for but a no': {
    spec: wait({ name: 'a', gone: false }),
    want: /exactly one of until and gone/,
  },
  'two things to wait for': {
    spec: wait({ name: 'a', until: 'true', gone: true }),
    want: /exactly one of until and gone/,
  },
  'a number of one': {
    spec: wait({ name: 'a', until: 'true', minCount: 1 }),
    want: /minCount is for a selector/,
  },
  'a wait that is undone': {
    spec: { ...wait({ name: 'a', gone: true }), undo: { http: { url: 'http://a/' } } },
    want: /^spec must keep this rule: undo is not for wait: it changes nothing$/,
  },
  'a wait that is tried again': {
    spec: { ...wait({ name: 'a', gone: true }), retry: { limit: 1 } },
    want: /^spec must keep this rule: retry is not for wait: it asks again by itself$/,
  },
  'an undo that waits': {
    spec: { ...scale({ name: 'a' }), undo: wait({ name: 'a', gone: true }) },
    want: /spec\.undo\.wait/,
  },
  'an undo that scales to a number': {
    spec: { ...scale({ name: 'a' }), undo: scale({ name: 'a', replicas: 1 }) },
    want: /spec\.undo\.scale/,
  },
  'a call that is reverted': {
    spec: { serviceAccountName: undefined, http: { url: 'http://a/' }, undo: { revert: true } },
    want: /undo\.revert is for bodies that can be put back/,
  },
  'a negative number': { spec: scale({ name: 'a', replicas: -1 }), want: /spec\.scale\.replicas/ },
  'no account': {
    spec: { ...scale({ name: 'a' }), serviceAccountName: undefined },
    want: /serviceAccountName/,
  },
  'a wait of a minute that is not held': {
    spec: { ...wait({ name: 'a', gone: true }), mode: 'Refuse', timeoutSeconds: 60 },
    want: /must be at most 28/,
  },
}))
  t.test(`it may not have ${name}`, async (t) => {
    t.match(problems(spec).join('\n'), want)
  })
