/** The dashboard, its history in files and threads. */
import { together } from '../support/together.ts'

together('test/dashboard/**/*.test.ts')
