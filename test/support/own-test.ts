/** What `import t from 'tap'` gives to a file that runs together with others; the query of its own address names the file. */
import { testOf } from './together.ts'

// As tap has it.
// eslint-disable-next-line import/no-default-export
export default testOf(import.meta.url)
