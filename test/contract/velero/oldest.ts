/** Velero 1.14, the oldest that is promised: what it does otherwise than the rules say, and the rules that it keeps in their stead. */
import assert from 'node:assert/strict'
import { about, rule, type VeleroCase } from './case.ts'

/** Not tried: Velero 1.14 ends by a nil pointer (recordBackupMetrics, for want of a startTimestamp), and does nothing more. */
export const fatal = 'queue: one that is made Finalizing is finished without having run'

const noQueue = 'it has no queue: Backups run one after another as they are created'
const noPhase = 'its CRD has no phases Queued and ReadyToStart'
const otherWords = 'it says so in other words'
const namespaceToo = 'it says too that a namespace to include is not there'
const noExclusions = 'it leaves out no kinds of CSI snapshots'

/** Rules that it does not keep, each with the reason. One that it keeps after all fails the test. */
export const otherwise: Readonly<Record<string, string>> = {
  'backups: one goes -, Queued, ReadyToStart, InProgress, Finalizing, Completed': noQueue,
  'backups: one that is made with the phase New goes the same way': noQueue,
  'backups: startTimestamp, expiration, version and formatVersion come with InProgress': noQueue,
  'backups: what the spec leaves open is filled in with InProgress, and not before': noQueue,
  'backups: Velero adds labels and annotations to those that are there': noQueue,
  'backups: with an old filter the old list is filled in': noExclusions,
  'backups: without one the new lists are': noExclusions,
  'queue: one that is made ReadyToStart waits for an update, and then runs as it is by then': noPhase,
  'schedules: one that is ReadyToStart does not keep the next from being made': noPhase,
  'schedules: one that is no cron is FailedValidation, and Enabled when it is mended': otherWords,
  'refused backups: one of a location that is not there goes -, Queued, ReadyToStart, FailedValidation':
    noQueue,
  'refused backups: what its maker found wrong stands before what Velero finds': namespaceToo,
  'refused backups: a snapshot location must be there': namespaceToo,
  'refused backups: * stands alone': namespaceToo,
  'refused backups: labelSelector and orLabelSelectors do not go together': namespaceToo,
  'refused backups: a resource cannot be included and excluded': namespaceToo,
  'refused backups: old and new filters do not go together': namespaceToo,
  'backups: one whose name is in the bucket already fails, with the reason': otherWords,
  'asked: a ServerStatusRequest is answered with the version': 'its version is another',
  'asked: no Backup starts with a location that is Unavailable': namespaceToo,
  'asked: no Backup starts with a location that is read-only': namespaceToo,
  'removal: a request for what is not there says so': otherWords,
  'removal: a request without a name says so': otherWords,
  'removal: a Backup whose location is not known is not deleted on request': otherWords,
}

/** Rules of its own. */
export const oldestCases: readonly VeleroCase[] = about('backups without a queue', [
  rule('one goes -, InProgress, Finalizing, Completed', async (velero) => {
    assert.deepEqual((await velero.usualBackup()).phases, ['-', 'InProgress', 'Finalizing', 'Completed'])
  }),
  rule('one of a location that is not there goes -, FailedValidation', async (velero) => {
    const { phases } = await velero.voyage('backups', { spec: { storageLocation: 'none' } })
    assert.deepEqual(phases, ['-', 'FailedValidation'])
  }),
])
