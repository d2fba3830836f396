/** Asks whether a request is still wanted where nothing comes between the answer and its first byte. */
import type { Dispatcher } from '../lean/undici.ts'

/** The same connections, for a request that may not be wanted any more once one of them is free: then nothing of it is sent. */
export function whileWanted(dispatcher: Dispatcher, isWanted: () => boolean): Dispatcher {
  return dispatcher.compose((dispatch) => (options, handler) => dispatch(options, asking(handler, isWanted)))
}

// undici tells its handler right before it writes a request, on the connection that it got (lib/dispatcher/client-h1.js, writeH1).
function asking(handler: Dispatcher.DispatchHandler, isWanted: () => boolean): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller, context) => {
      if (!isWanted()) controller.abort(new DOMException('it was not wanted any more', 'AbortError'))
      else handler.onRequestStart?.(controller, context)
    },
    onRequestUpgrade: (...told) => handler.onRequestUpgrade?.(...told),
    onResponseStarted: () => handler.onResponseStarted?.(),
    onResponseStart: (...told) => handler.onResponseStart?.(...told),
    onResponseData: (...told) => handler.onResponseData?.(...told),
    onResponseEnd: (...told) => handler.onResponseEnd?.(...told),
    onResponseError: (...told) => handler.onResponseError?.(...told),
  }
}
