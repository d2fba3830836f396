/**
 * What `npm test` begins each process with. tap turns source maps on in it, whatever Node was told, and then reads those of all modules.
 * Nothing of ours has one: stripping types keeps every line and column where it was.
 */
process.setSourceMapsEnabled(false)
