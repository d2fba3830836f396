/** docs/certificates.md tells of every part of the Secret. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { keys } from '../../src/tls/material.ts'
import { renewedOutputsKey } from '../../src/tls/outputs-key.ts'
import { projectRoot } from '../support/generate.ts'

t.test('the page of the certificates says what becomes of each part of the Secret', async (t) => {
  const page = readFileSync(join(projectRoot, 'docs/certificates.md'), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| '))
  for (const part of [...Object.values(keys), ...Object.keys(renewedOutputsKey({}))])
    t.ok(
      rows.some((row) => row.split('|')[1]?.includes(`\`${part}\``)),
      part,
    )
})
