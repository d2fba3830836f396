/** Who creates a refused Backup again and again gets the same answer, without the action being called for each. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { aBackupName, accepted, act, aMark, aName, anAction, backUp, call, hook, runsOf } from './support.ts'

t.test(
  'after three identical refusals a person is refused without a call, until an Action changes',
  async (t) => {
    const { mark } = aMark()
    const server = await hook({ status: 503, body: 'replica lag 40 s' })
    const action = aName('10-quiesce')
    await act(t, anAction(action, mark, { http: { url: server.url } }))
    const name = aBackupName()
    const said: string[] = []
    for (let round = 0; round < 4; round += 1) {
      // Another replica may be asked, whose copy of the runs shows the third refusal a moment later.
      if (round === 3) await sleep(2_000)
      const { code, stderr } = await backUp(name, mark)
      t.equal(code, 1)
      said.push(stderr)
    }
    for (const text of said.slice(0, 3)) t.match(text, /PreBackup action ".*" failed after 1 attempt/)
    t.match(said[3], /refused again without running anything, for another .* \(run .*replica lag 40 s/)
    t.equal((await server.calls()).length, 3)
    t.equal((await runsOf('backup', name)).length, 3, 'the fourth leaves no run')

    const other = await backUp(aBackupName(), mark)
    t.match(other.stderr, /failed after 1 attempt/, 'another name is another request')
    t.equal((await server.calls()).length, 4)

    await server.behave({ status: 200 })
    const changed = anAction(action, mark, { http: { url: server.url, method: 'PUT' } })
    const { status } = await call(
      'PATCH',
      `/apis/tidewaiter.io/v1beta1/namespaces/velero/actions/${action}`,
      {
        body: { spec: changed.spec },
      },
    )
    t.equal(status, 200)
    await accepted(action)
    const mended = await backUp(name, mark)
    t.equal(mended.code, 0, mended.stderr)
    t.equal((await server.calls()).at(-1)?.method, 'PUT')
  },
)
