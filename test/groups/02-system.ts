/** The whole service on the sandbox: what is done with it after a moment. */
import { together } from '../support/together.ts'

together(
  'test/system/{acting,actions-adopt,admission-transport,cost,decisions,exported,held,plan,plugins,plugins-rollout,quiesce}.test.ts',
)
