/** What speaks with the cluster and the world: Kubernetes, HTTP, TLS. */
import { together } from '../support/together.ts'

together('test/{kube,net,tls}/**/*.test.ts')
