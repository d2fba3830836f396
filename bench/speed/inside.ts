/**
 * Loaded into tidewaiter before all else (`node --import`): what its webhook server is asked with `&as=bare` the code of the bare twin
 * answers, as it does in a process of its own. What is more is what a process costs that does all the rest beside.
 */
import https from 'node:https'
import { syncBuiltinESMExports } from 'node:module'
import type { RequestListener } from 'node:http'
import type { ServerOptions } from 'node:https'
import { bareListener } from './bare-answer.ts'

const bare = bareListener()
const asBare = /^\/[^/]+(\/[a-z]+)\?.*&as=bare$/
const { createServer } = https

https.createServer = ((options: ServerOptions, listener: RequestListener) =>
  createServer(options, (request, response) => {
    const path = asBare.exec(request.url ?? '')?.[1]
    if (path === undefined) return listener(request, response)
    request.url = path
    bare(request, response)
  })) as typeof createServer
syncBuiltinESMExports()
