/** The addresses of the API server: an answer that names none is no answer. */
import t from 'tap'
import type { KubeClient } from '../../src/kube/client.ts'
import { KubeError } from '../../src/kube/errors.ts'
import { apiAddresses } from '../../src/wiring/api-addresses.ts'
import { calls } from '../../src/wiring/kinds.ts'

const slice = (...addresses: readonly string[]) => ({ endpoints: [{ addresses }] })

/** An API server that has this under the name kubernetes, and these with its label; undefined: there is none, or they may not be listed. */
function asked(named: object | undefined, labelled: readonly object[] | undefined, inCluster = true) {
  const paths: string[] = []
  const request = async ({ path, query }: Parameters<KubeClient['request']>[0]): Promise<unknown> => {
    paths.push(path)
    if (path.endsWith('/kubernetes')) return named ?? Promise.reject(new KubeError('NOT_FOUND', 'none'))
    if (labelled === undefined) throw new KubeError('FORBIDDEN', 'endpointslices is forbidden')
    return { items: query?.['labelSelector'] === 'kubernetes.io/service-name=kubernetes' ? labelled : [] }
  }
  // The one method that these calls are made of.
  return { paths, found: apiAddresses(calls({ request } as unknown as KubeClient), inCluster) }
}

t.test('they are those of the EndpointSlice kubernetes, for which no list is asked', async (t) => {
  const { paths, found } = asked(slice('10.0.0.1', '10.0.0.2'), undefined)
  t.same(await found, ['10.0.0.1', '10.0.0.2'])
  t.same(paths, ['/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes'])
})

t.test('where nobody keeps that one they are those of whatever carries its label', async (t) => {
  t.same(await asked(undefined, [slice('10.0.0.1'), slice('fd00::1')]).found, ['10.0.0.1', 'fd00::1'])
  t.same(await asked({ endpoints: null }, [slice('10.0.0.1')]).found, ['10.0.0.1'])
})

t.test('in a cluster that names none they are not known, and it is said what to do', async (t) => {
  const what = { message: /must have an EndpointSlice kubernetes .* see docs\/egress.md/ }
  await t.rejects(asked(undefined, []).found, what)
  await t.rejects(asked(undefined, undefined).found, { ...what, cause: { code: 'FORBIDDEN' } })
  await t.rejects(asked(slice(), [slice()]).found, what)
})

t.test('for who runs outside a cluster there need be none', async (t) => {
  t.same(await asked(undefined, undefined, false).found, [])
})
