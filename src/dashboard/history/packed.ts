/** Records as they lie in the file: JSON, deflated with a dictionary of what all of them share. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { AdmissionDecision } from '../../api/admission-decision.ts'

// A record has at most 8 KiB of spec and status; a file that says otherwise is not believed.
const largest = 512 * 1024

// The words that every record repeats, the most frequent last. A change of it is a new version of the file.
const dictionary = Buffer.from(
  [
    '"considered":[{"action":"","stage":"PreBackup","found":"NotMatched","because":"","found":"Matched"}],',
    '"calls":[{"action":"","phase":"Succeeded","attempts":1,"request":"POST https://","answer":"200"}],',
    '"groups":["system:serviceaccounts","system:serviceaccounts:velero","system:authenticated"],"recent":[],',
    '"operation":"CREATE","apiGroup":"velero.io","kind":"Restore","generateName":"","verdict":"Error",',
    '. The Backup was not created. Fix the cause or skip it with the annotation /prebackup=skip (needs the verb skip on actions). Run: ',
    'tidewaiter refused Backup velero/: PreBackup action "" failed after 2 attempts in 1.4 s: POST https:// answered 503 "',
    '{"metadata":{"name":"","namespace":"velero","uid":"","resourceVersion":"","creationTimestamp":"2026-"},',
    '"spec":{"replica":"tidewaiter-","webhook":"backups","operation":"CREATE","apiGroup":"velero.io","kind":"Backup",',
    '"schedule":"","name":"","verdict":"Refused","reason":"ActionFailed","verdict":"Allowed","reason":"NoActionMatches","action":"",',
    '"user":"system:serviceaccount:velero:velero","key":""},"status":{"count":1,"first":{"seq":,"time":"2026-',
    '"request":"","uid":"","name":"","milliseconds":,"message":"","warnings":0,"patches":0,"run":"-prebackup","detail":"",',
    '"digest":"","chain":""},"last":{"seq":,"time":"2026-"},"seqs":"","chain":{"seq":,"chain":""},"signature":""}}',
  ].join(''),
)

/** The bytes of a record; undefined if it is larger than any that we write. */
export function packed(record: AdmissionDecision): Uint8Array | undefined {
  const { metadata, spec, status } = record
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata
  const kept = { name, namespace, uid, resourceVersion, creationTimestamp }
  const text = Buffer.from(JSON.stringify({ metadata: kept, spec, status }))
  return text.length > largest ? undefined : deflateRawSync(text, { dictionary, level: 3 })
}

/** The record of its bytes. */
export function unpacked(bytes: Uint8Array): AdmissionDecision {
  const text = inflateRawSync(bytes, { dictionary, maxOutputLength: 4 * largest })
  return JSON.parse(text.toString()) as AdmissionDecision
}
