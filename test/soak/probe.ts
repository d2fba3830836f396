/**
 * `node --expose-gc --import` this: the service as it is, and whoever started it may ask what its heap holds after everything that
 * nobody needs has gone.
 */
type Collect = () => void

process.on('message', (asked) => {
  if (asked !== 'heap') return
  const { gc } = globalThis as { readonly gc?: Collect }
  gc?.()
  process.send?.(process.memoryUsage())
})
// Nor may it outlive whoever started it.
process.once('disconnect', () => process.exit(1))
// It must end when the service does.
process.channel?.unref()
