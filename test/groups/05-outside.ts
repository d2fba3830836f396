/** What speaks with the cluster and the world: Kubernetes, HTTP, TLS; images, and the plugins in them. */
import { together } from '../support/together.ts'

together('test/{kube,net,tls,images,plugins}/**/*.test.ts')
