import t from 'tap'
import { createContexts } from '../../src/net/contexts.ts'
import { certificate } from './servers.ts'

const authorities = Array.from({ length: 9 }, (_, i) => certificate({ name: `CA ${i}`, ca: true }).cert)

t.test('the same authorities get the same context, others another', async (t) => {
  const contexts = createContexts()
  const [one = '', two = ''] = authorities
  t.equal(contexts(one), contexts(one))
  t.not(contexts(one), contexts(two))
})

t.test('of many contexts those that were used last are kept', async (t) => {
  const contexts = createContexts()
  const [first = '', second = '', ...others] = authorities
  const [kept, left] = [contexts(first), contexts(second)]
  for (const other of others) {
    contexts(other)
    t.equal(contexts(first), kept)
  }
  t.not(contexts(second), left)
})
