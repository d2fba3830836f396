import t from 'tap'
import { createGate } from '../../src/admission/gate.ts'
import { aBackup, anAction, anHttp, type ActionGiven } from '../support/build.ts'
import { aRequest, FakeGate } from '../support/fake-gate.ts'
import { aDone, aFailed } from '../support/outcomes.ts'

function dryRun(...actions: readonly ActionGiven[]) {
  const made = new FakeGate()
  made.actions = actions.map((one) => anAction(one))
  const ask = () => createGate('Backup', made.ports())(aRequest(aBackup(), made.clock, { dryRun: true }))
  return { made, ask }
}

t.test('an action that cannot be rendered refuses the dry run, as it would', async (t) => {
  const { made, ask } = dryRun({ name: 'a' }, { name: 'b' })
  made.act = ({ action }) =>
    action.name === 'b' ? aFailed({ cause: 'template', message: 'no such key: x' }) : aDone()
  t.match(await ask(), {
    allowed: false,
    reason: 'CannotRender',
    message: /"b" could not run: no such key: x/,
    warnings: [/"a" would run/],
  })
})

t.test('a dry run shows the body of each call, and which Actions nobody adopted', async (t) => {
  const { made, ask } = dryRun({ name: 'a' }, { name: 'b' })
  made.unadopted = ['b']
  made.act = () => ({ ...aDone(), request: 'POST https://a.example/\nx: 1\n\n{"phase":"New"}' })
  t.match(await ask(), {
    allowed: true,
    warnings: [
      /nobody with the rights wrote them.*actions adopt -n velero --all\): b$/,
      /"a" would run: POST https:\/\/a.example\/$/,
      /"a" body: \{"phase":"New"\}$/,
      /"a" headers: x: 1$/,
    ],
  })
})

t.test('what needs outputs of actions that were not run cannot be rendered, and is no refusal', async (t) => {
  const { made, ask } = dryRun({
    name: 'b',
    http: anHttp({ url: "https://a.example/${outputs['10-a'].lsn}" }),
  })
  made.act = () => aFailed({ cause: 'template' })
  t.match(await ask(), { allowed: true, warnings: [/"b" would run: with outputs of the actions before it/] })
})

t.test('an action that only gives outputs must still be rendered', async (t) => {
  const { made, ask } = dryRun({ name: 'b', outputs: [{ name: 'lsn', expression: 'response.status' }] })
  made.act = () => aFailed({ cause: 'template' })
  t.match(await ask(), { allowed: false, reason: 'CannotRender' })
})

for (const [where, http] of Object.entries({
  'in the path': anHttp({ url: 'https://a.example/outputs/${backup.metadata.labels.nope}' }),
  'as a text in an expression': anHttp({ body: "${backup.metadata.labels['outputs']}" }),
  'as a name that a macro binds': anHttp({ body: '${backup.spec.nope.map(outputs, outputs.lsn)}' }),
  escaped: anHttp({ body: '$${outputs.a} ${backup.nope}' }),
}))
  t.test(`an action that says outputs ${where} and names none must be rendered`, async (t) => {
    const { made, ask } = dryRun({ name: 'a', http })
    made.act = () => aFailed({ cause: 'template', message: 'no such key: nope' })
    t.match(await ask(), { allowed: false, reason: 'CannotRender', message: /no such key: nope/ })
  })

t.test('rendering gets two seconds, and the run it is for is never stored', async (t) => {
  const { made, ask } = dryRun({ name: 'a' })
  made.act = ({ endsAt, run }) => {
    t.equal(endsAt - made.clock.now(), 2_000)
    t.equal(run.metadata.name, 'b1-1a2b3c4d-prebackup')
    return aDone()
  }
  await ask()
  t.same(made.runs.all(), [])
})
