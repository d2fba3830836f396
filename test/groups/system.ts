/** The whole service on the sandbox: what is done with it after a moment. What waits longer has processes of its own. */
import { together } from '../support/together.ts'

together(
  'test/system/{acting,actions-adopt,admission-transport,decisions,held,plan,plugins,plugins-rollout,quiesce}.test.ts',
)
