/** The in-memory API server. */
import { together } from '../support/together.ts'

together('test/sandbox/*.test.ts', 'test/sandbox/apiserver/**/*.test.ts')
