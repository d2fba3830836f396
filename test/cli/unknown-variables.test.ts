import t from 'tap'
import { unknownVariables } from '../../src/cli/unknown-variables.ts'
import { knownVariables } from '../../src/config.ts'

const told = (...names: readonly string[]) =>
  unknownVariables(Object.fromEntries(names.map((name) => [name, 'x'])), knownVariables)

t.test('a variable of ours that is no setting is told, with the one that was meant', async (t) => {
  t.same(told('TIDEWAITER_LOGLEVEL', 'TIDEWAITER_COLOUR_OF_SHIP'), [
    'the environment variable TIDEWAITER_COLOUR_OF_SHIP is no setting of tidewaiter, and is ignored',
    'the environment variable TIDEWAITER_LOGLEVEL is no setting of tidewaiter, and is ignored: did you mean TIDEWAITER_LOG_LEVEL?',
  ])
})

t.test('settings, and variables of others, are not', async (t) => {
  t.same(told(...knownVariables, 'PATH', 'POD_NAME', 'XTIDEWAITER_LISTNE'), [])
})

t.test('what Kubernetes sets for a Service named tidewaiter is not taken for a setting', async (t) => {
  const port = 'TIDEWAITER_PORT_443_TCP'
  t.same(
    told(
      'TIDEWAITER_SERVICE_HOST',
      'TIDEWAITER_SERVICE_PORT',
      'TIDEWAITER_SERVICE_PORT_HTTPS',
      'TIDEWAITER_PORT',
      port,
      `${port}_PROTO`,
      `${port}_PORT`,
      `${port}_ADDR`,
      'TIDEWAITER_METRICS_SERVICE_HOST',
      'TIDEWAITER_METRICS_PORT_8080_TCP_ADDR',
    ),
    [],
  )
})
