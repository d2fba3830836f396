/** What waits: for other processes, for a lease to run out, for time to pass. tap begins in the order of names: others run meanwhile, and what fills a processor comes last. */
import { together } from '../support/together.ts'

together('test/crash/crash.test.ts', 'test/system/{dashboard,leading,sandbox-serve}.test.ts')
