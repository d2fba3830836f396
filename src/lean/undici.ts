/** undici's clients alone: the whole package is eighty files and 13 MB more (fetch, WebSocket, caches, mocks), at each start. */
import api from 'undici/lib/api/index.js'
import Client from 'undici/lib/dispatcher/client.js'
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
import Pool from 'undici/lib/dispatcher/pool.js'

// As undici's own index.js does: `request` and its like are added to what only dispatches.
Object.assign(Dispatcher.prototype, api)

export { Client, Pool }
export type { Dispatcher } from 'undici'
