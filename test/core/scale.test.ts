import t from 'tap'
import { autoscaled, restoreStep, scaledIn, scaleIn, scaleStep, toKeep } from '../../src/core/scale.ts'

const before = { name: 'web', uid: 'u1', replicas: 3 }
const now = (replicas: number, uid = 'u1') => ({ name: 'web', uid, resourceVersion: '7', replicas })

for (const [name, { seen, want }] of Object.entries({
  'one that is as it was kept is scaled': { seen: now(3), want: { do: 'set', replicas: 0 } },
  'one that was scaled already is left': { seen: now(0), want: { do: 'leave', because: 'from 3 to 0' } },
  'one that somebody changed in between is kept anew first': {
    seen: now(5),
    want: { do: 'again', because: 'was changed meanwhile, from 3 to 5' },
  },
  'one that was made anew is kept anew first': {
    seen: now(3, 'u2'),
    want: { do: 'again', because: 'was made anew' },
  },
  'one that is gone cannot be': { seen: undefined, want: { do: 'fail', because: 'is not there any more' } },
}))
  t.test(`scale: ${name}`, async (t) => {
    t.same(scaleStep(0, before, seen), want)
  })

t.test('scale: one that had the number before is left', async (t) => {
  t.same(scaleStep(3, before, now(3)), { do: 'leave', because: 'had 3 already' })
})

for (const [name, { kept, seen, want }] of Object.entries({
  'at first, what is there': { kept: undefined, seen: now(3), want: 3 },
  'after an attempt that has set it, what that one kept': { kept: 3, seen: now(0), want: 3 },
  'after an attempt that has not, what is there': { kept: 3, seen: now(3), want: 3 },
  'where somebody changed it since, what they wanted last': { kept: 3, seen: now(5), want: 5 },
  'of one that was made anew, what is there': { kept: 3, seen: now(0, 'u2'), want: 0 },
}))
  t.test(`what is kept of a scaling: ${name}`, async (t) => {
    const former = kept === undefined ? undefined : { replicas: 0, objects: [{ ...before, replicas: kept }] }
    t.same(toKeep(0, former, [seen]), {
      replicas: 0,
      objects: [{ name: 'web', uid: seen.uid, replicas: want }],
    })
  })

t.test('what is kept of a scaling: what is not looked at any more, after what is', async (t) => {
  const api = { ...before, name: 'api', replicas: 7 }
  t.same(toKeep(0, { replicas: 0, objects: [api, before] }, [now(0)]).objects, [before, api])
})

t.test(
  'what a run holds of a scaling is read; of another number, or of another body, nothing is',
  async (t) => {
    const kept = { replicas: 0, objects: [before] }
    t.same(scaledIn(kept, 0), kept)
    t.equal(scaledIn(kept, 1), undefined)
    t.equal(scaledIn({ fields: [] }, 0), undefined)
    t.equal(scaledIn(undefined, 0), undefined)
  },
)

for (const [name, { seen, want }] of Object.entries({
  'what still has the number that was set gets the one before': {
    seen: now(0),
    want: { do: 'set', replicas: 3 },
  },
  'what has the number of before is done': { seen: now(3), want: { do: 'leave', because: 'has 3' } },
  'what somebody changed since is left, and told': {
    seen: now(5),
    want: { do: 'leave', because: 'has 5, which somebody set since: left as it is (it had 3)' },
  },
  'what was made anew since is left, and told': {
    seen: now(0, 'u2'),
    want: { do: 'leave', because: 'is another object by now: left as it is' },
  },
  'what is gone is done': { seen: undefined, want: { do: 'leave', because: 'is gone' } },
}))
  t.test(`undo of scale: ${name}`, async (t) => {
    t.same(restoreStep(0, before, seen), want)
  })

t.test('undo of scale: what had the number before anything was set stays as it is', async (t) => {
  t.match(restoreStep(3, before, now(3)), { do: 'leave' })
})

t.test('a Scale is read; one without a number has 0', async (t) => {
  const metadata = { name: 'web', uid: 'u1', resourceVersion: '7' }
  t.same(scaleIn({ metadata, spec: { replicas: 3 } }), now(3))
  t.same(scaleIn({ metadata, spec: {} }), now(0))
})

const web = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const autoscaler = (ref: object, minReplicas: number | undefined = 2) => ({
  metadata: { name: 'shop' },
  spec: { scaleTargetRef: { ...web, ...ref }, maxReplicas: 9, minReplicas },
})

for (const [name, { replicas, one, want }] of Object.entries({
  'an autoscaler leaves alone what has 0 replicas': { replicas: 0, one: autoscaler({}), want: undefined },
  'also one that does not say its minReplicas, which is 1 then': {
    replicas: 0,
    one: { ...autoscaler({}), spec: { scaleTargetRef: web, maxReplicas: 9 } },
    want: undefined,
  },
  'any other number would not last': {
    replicas: 1,
    one: autoscaler({}),
    want: /^HorizontalPodAutoscaler shop targets Deployment web and would set another number again; scale it to 0/,
  },
  'nor would 0 where minReplicas is 0': {
    replicas: 0,
    one: autoscaler({}, 0),
    want: /its minReplicas is 0, so it would scale it up from 0 again/,
  },
  'another version of the kind is the same kind': {
    replicas: 1,
    one: autoscaler({ apiVersion: 'apps/v1beta1' }),
    want: /would set another number/,
  },
  'a reference without a version may mean it': {
    replicas: 1,
    one: autoscaler({ apiVersion: undefined }),
    want: /would set another number/,
  },
  'a kind of that name in another group is another': {
    replicas: 1,
    one: autoscaler({ apiVersion: 'example.org/v1' }),
    want: undefined,
  },
  'another kind is not meant': { replicas: 1, one: autoscaler({ kind: 'StatefulSet' }), want: undefined },
  'another name is not meant': { replicas: 1, one: autoscaler({ name: 'db' }), want: undefined },
}))
  t.test(`autoscalers: ${name}`, async (t) => {
    const got = autoscaled(web, replicas, [autoscaler({ name: 'other' }), one])
    if (want === undefined) t.equal(got, undefined)
    else t.match(got, want)
  })
