/** The dashboard: its pages, its server, the history behind it. */
import { together } from '../support/together.ts'

together('test/dashboard/**/*.test.ts')
