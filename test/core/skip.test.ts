import t from 'tap'
import { foreignAnnotations, skipReason, skipsIn } from '../../src/core/skip.ts'

t.test('an action is skipped by its own annotation at its own stage', async (t) => {
  const notes = { '10-a/prebackup': 'skip' }
  t.equal(skipReason(notes, '10-a', 'PreBackup'), 'skipped by the annotation 10-a/prebackup=skip')
  t.equal(skipReason(notes, '10-a', 'PostBackup'), undefined)
  t.equal(skipReason(notes, '20-b', 'PreBackup'), undefined)
  t.equal(skipReason({ '10-a/prebackup': 'true' }, '10-a', 'PreBackup'), undefined, 'only the word skip')
})

t.test('all actions are skipped with a reason, which is kept short', async (t) => {
  t.equal(
    skipReason({ 'tidewaiter.io/skip-actions': 'drill' }, 'a', 'PostRestore'),
    'skipped by the annotation tidewaiter.io/skip-actions: drill',
  )
  t.ok(
    (skipReason({ 'tidewaiter.io/skip-actions': 'x'.repeat(5000) }, 'a', 'PostRestore')?.length ?? 0) < 400,
  )
})

t.test('the skips among annotations', async (t) => {
  const notes = {
    'a/prebackup': 'skip',
    'b/postrestore': 'skip',
    'c/prebackup': 'no',
    'd/other': 'skip',
    'tidewaiter.io/skip-actions': '',
  }
  t.same(skipsIn(notes), ['a/prebackup=skip', 'b/postrestore=skip', 'tidewaiter.io/skip-actions='])
})

t.test('every other annotation of ours is foreign to a person', async (t) => {
  t.same(
    foreignAnnotations({ 'tidewaiter.io/post': '', 'tidewaiter.io/skip-actions': 'x', 'other.io/x': '' }),
    ['tidewaiter.io/post'],
  )
})
