/** The in-memory API server, who follows it, and the stand-in for Velero. */
import { together } from '../support/together.ts'

together('test/sandbox/*.test.ts', 'test/sandbox/{apiserver,followers,velero}/**/*.test.ts')
