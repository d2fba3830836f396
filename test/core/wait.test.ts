import t from 'tap'
import type { WaitBody } from '../../src/api/wait-body.ts'
import { judgeWait, type WaitTools } from '../../src/core/wait.ts'
import { createCel } from '../../src/cel/cel.ts'

const cel = createCel()
const until = 'object.status.ready == object.spec.replicas'
const one: WaitBody = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', until }
const some: WaitBody = { apiVersion: 'v1', kind: 'Pod', selector: {}, until }
const { until: _until, ...unsaid } = some
const gone: WaitBody = { ...unsaid, gone: true }

const object = (name: string, ready: unknown, metadata: object = {}) => ({
  metadata: { namespace: 'shop', name, ...metadata },
  spec: { replicas: 3 },
  status: { ready },
})

function judge(body: WaitBody, objects: readonly ReturnType<typeof object>[], first?: number) {
  const asked: string[] = []
  const evaluate: WaitTools['evaluate'] = (source, values) => {
    asked.push((values['object'] as ReturnType<typeof object>).metadata.name)
    return cel.evaluate(source, values)
  }
  const reads = cel.selections(body.until ?? 'true', 'object', ['object', 'objects'])
  const steps = judgeWait(body, { objects, ...(first === undefined ? {} : { first }) }, { evaluate, reads })
  let next = steps.next()
  while (next.done !== true) next = steps.next()
  const waited = next.value
  return { asked, waited, because: waited.holds ? undefined : waited.because }
}

t.test('one object is as wanted when the expression is true', async (t) => {
  t.equal(judge(one, [object('db', 3)]).because, undefined)
})

t.test('one that is not names the values that the expression looked at', async (t) => {
  t.equal(
    judge(one, [object('db', 1)]).because,
    'not so of StatefulSet shop/db: status.ready is 1, spec.replicas is 3',
  )
})

t.test('one that is not there yet is waited for', async (t) => {
  t.equal(judge(one, []).because, 'StatefulSet db is not there')
})

t.test('a field that is not there yet counts as not true yet, and is told', async (t) => {
  const bare = { ...object('db', 1), status: {} }
  t.match(judge(one, [bare as never]).because, /^of StatefulSet shop\/db it cannot be told: .*ready/)
})

t.test('an expression that gives no truth is told', async (t) => {
  t.equal(
    judge({ ...one, until: 'object.status.ready' }, [object('db', 'x'.repeat(3))]).because,
    'of StatefulSet shop/db it gave "xxx", not true or false',
  )
})

t.test('of many, all must be as wanted, and the first that is not is told', async (t) => {
  const { because, asked } = judge(some, [object('a', 3), object('b', 2), object('c', 1)])
  t.match(because, 'not so of Pod shop/b: status.ready is 2')
  t.same(asked, ['a', 'b'])
  t.equal(judge(some, [object('a', 3), object('b', 3)]).because, undefined)
})

t.test('what was not as wanted a moment ago is looked at first, then all others', async (t) => {
  const all = [object('a', 3), object('b', 2), object('c', 3)]
  t.same(judge(some, all, 1).asked, ['b'])
  t.match(judge(some, all).waited, { culprit: 1 })
  const mended = [object('a', 3), object('b', 3), object('c', 3)]
  const { asked, because } = judge(some, mended, 1)
  t.same([asked, because], [['b', 'a', 'c'], undefined])
  t.same(judge(some, [object('a', 3)], 1).asked, ['a'], 'also where there are fewer by now')
})

t.test('with a selector the expression sees all of them', async (t) => {
  const quorum: WaitBody = { ...some, until: 'objects.filter(o, o.status.ready == 3).size() >= 2' }
  t.equal(judge(quorum, [object('a', 3), object('b', 0), object('c', 3)]).because, undefined)
  t.equal(judge(quorum, [object('a', 3), object('b', 0)]).because, 'not so of Pod shop/a')
})

t.test('at least one must be there, or as many as minCount says', async (t) => {
  t.equal(judge(some, []).because, 'no Pod with these labels is there')
  t.equal(judge({ ...some, minCount: 0 }, []).because, undefined)
  t.equal(
    judge({ ...some, minCount: 3 }, [object('a', 3)]).because,
    '1 of at least 3 with these labels are there',
  )
})

t.test('gone: until there is none; what is still there is named, at most three of them', async (t) => {
  t.equal(judge(gone, []).because, undefined)
  const deleted = object('b', 3, { deletionTimestamp: '2026-03-01T02:00:05Z' })
  t.equal(
    judge(gone, [object('a', 3), deleted]).because,
    'still there: Pod shop/a, Pod shop/b (being deleted since 2026-03-01T02:00:05Z)',
  )
  t.match(
    judge(
      gone,
      ['a', 'b', 'c', 'd', 'e'].map((name) => object(name, 1)),
    ).because,
    /c and 2 more$/,
  )
})

t.test('conditions are shown as people read them, other values as JSON, cut', async (t) => {
  const conditions = [
    { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: 'x' },
    { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
  ]
  const wanted = (ready: unknown) =>
    judge({ ...one, until: "object.status.ready == 'x' && object.status.other == 1" }, [object('db', ready)])
      .because
  t.match(
    wanted(conditions),
    'status.ready is [Available=False (MinimumReplicasUnavailable), Progressing=True]',
  )
  t.match(wanted([{ type: 'a' }]), 'status.ready is [{"type":"a"}], status.other is absent')
  t.match(wanted('y'.repeat(999)), /status\.ready is "y{199}\.\.\., status\.other/)
})
