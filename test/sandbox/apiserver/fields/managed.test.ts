/** How many managers of updates an object keeps (apimachinery pkg/util/managedfields/internal/capmanagers.go). */
import t from 'tap'
import { capped, type Manager } from '../../../../src/sandbox/apiserver/fields/managed.ts'
import { self, setWith, toFieldsV1 } from '../../../../src/sandbox/apiserver/fields/set.ts'

const atSecond = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`

/** One that updated in a version at a second, and owns the field of that number. */
const updater = (second: number, apiVersion: string, more: Partial<Manager> = {}): Manager => ({
  manager: `m${second}`,
  operation: 'Update',
  apiVersion,
  subresource: '',
  time: atSecond(second),
  fields: setWith(false, [[`f:a${second}`, self]]),
  ...more,
})

const updaters = (from: number, to: number, apiVersion: string) =>
  Array.from({ length: to - from + 1 }, (_, index) => updater(from + index, apiVersion))

/** `manager version second: fields`, by age. */
const told = (managers: readonly Manager[]) =>
  managers
    .toSorted((a, b) => (a.time < b.time ? -1 : 1))
    .map(({ manager, apiVersion, time, fields }) => {
      const names = Object.keys(toFieldsV1(fields)).map((name) => name.slice(2))
      return `${manager} ${apiVersion} ${Number(time.slice(17, 19))}: ${names.toSorted().join(' ')}`
    })

t.test('the oldest of one version become one, and who is alone in its version stays', async (t) => {
  t.same(told(capped([updater(0, 'v1'), ...updaters(1, 10, 'v2')])), [
    'm0 v1 0: a0',
    'ancient-changes v2 2: a1 a2',
    ...told(updaters(3, 10, 'v2')),
  ])
})

t.test('each version has a bucket of its own, until ten are left', async (t) => {
  const old = [updater(0, 'v1'), updater(1, 'v2'), updater(2, 'v1'), updater(3, 'v2')]
  t.same(told(capped([...updaters(4, 11, 'v3'), ...old])), [
    'ancient-changes v1 2: a0 a2',
    'ancient-changes v2 3: a1 a3',
    ...told(updaters(4, 11, 'v3')),
  ])
})

t.test('a bucket that is there takes the next oldest', async (t) => {
  const bucket = updater(0, 'v1', { manager: 'ancient-changes' })
  t.same(told(capped([bucket, ...updaters(1, 10, 'v1')])), [
    'ancient-changes v1 1: a0 a1',
    ...told(updaters(2, 10, 'v1')),
  ])
})

t.test('more than ten stay if no two are of one version, and applies do not count', async (t) => {
  const versions = Array.from({ length: 11 }, (_, index) => updater(index, `v${index}`))
  t.same(told(capped(versions)), told(versions))
  const applied = updater(30, 'v1', { operation: 'Apply' })
  const ten = [applied, ...updaters(0, 9, 'v1')]
  t.equal(capped(ten), ten)
})
