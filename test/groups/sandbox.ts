/** The in-memory API server, and the stand-in for Velero. */
import { together } from '../support/together.ts'

together('test/sandbox/*.test.ts', 'test/sandbox/{apiserver,velero}/**/*.test.ts')
