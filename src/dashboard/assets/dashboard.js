/** What a page does beyond being read: times of the place, and what is new. Without it every page still says everything in UTC. */

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** Makes the times of a part of the page those of this device. */
function localTimes(part) {
  for (const time of part.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    time.textContent = time.dataset.form === 'ago' ? agoOf(at) : full.format(at)
    if (time.dataset.form === 'ago') time.title = `${full.format(at)} (${at.toISOString().slice(0, 19)}Z)`
  }
}

function agoOf(at) {
  const passed = at - Date.now()
  for (const [unit, ms] of units)
    if (Math.abs(passed) >= ms) return relative.format(Math.trunc(passed / ms), unit)
  return passed > 5000 ? 'in a moment' : 'just now'
}

/** Reads the page again and puts its content in place of what is there; where somebody is in it, later. */
let reading = false
function readAgain() {
  const main = document.querySelector('#main')
  if (reading || isBusy(main)) return
  reading = true
  const request = new XMLHttpRequest()
  request.open('GET', location.href)
  // A document, not a text: nothing is ever made into HTML here.
  request.responseType = 'document'
  request.addEventListener('loadend', () => {
    reading = false
    const next = request.status === 200 ? request.response?.querySelector('#main') : undefined
    if (!next || isBusy(main)) return
    const open = [...main.querySelectorAll('details')].map((one) => one.open)
    next.querySelectorAll('details').forEach((one, i) => (one.open = open[i] ?? one.open))
    localTimes(next)
    main.replaceChildren(...next.childNodes)
  })
  request.send()
}

/** Somebody types, has chosen something with the keyboard, or marks text. */
function isBusy(main) {
  const active = document.activeElement
  return (active !== main && main.contains(active)) || !(getSelection()?.isCollapsed ?? true)
}

const live = document.querySelector('#live')
let said = ''
function say(words) {
  if (live && words !== said) live.textContent = words
  said = words
}

/** What came, told to who cannot see it come: at most every ten seconds, in one sentence. */
const tally = { decisions: 0, refused: 0 }
let telling
function tellSoon(verdict) {
  tally.decisions += 1
  if (verdict !== 'Allowed') tally.refused += 1
  telling ??= setTimeout(() => {
    const { decisions, refused } = tally
    const words = `${decisions} new decision${decisions === 1 ? '' : 's'}${refused === 0 ? '' : `, ${refused} refused`}`
    document.querySelector('#said').textContent = words
    Object.assign(tally, { decisions: 0, refused: 0 })
    telling = undefined
  }, 10_000)
}

/** Listens: a list offers what is new, another page shows it. */
function listen(url, as) {
  const news = document.querySelector('#news')
  const fresh = new Set()
  let waiting
  const soon = () => {
    waiting ??= setTimeout(() => {
      waiting = undefined
      readAgain()
    }, 1000)
  }
  const source = new EventSource(url)
  source.addEventListener('open', () => say('Live'))
  source.addEventListener('error', () =>
    say(source.readyState === EventSource.CLOSED ? 'Not live: read the page again' : 'Reconnecting'),
  )
  source.addEventListener('over', () => location.reload())
  source.addEventListener('full', () => say('Not live: too many pages are open'))
  source.addEventListener('again', () => (as === 'page' ? soon() : offer(news, 'Read again')))
  source.addEventListener('state', soon)
  source.addEventListener('decision', (event) => {
    const { id, verdict } = JSON.parse(event.data)
    tellSoon(verdict)
    if (as === 'page') return soon()
    fresh.add(id)
    offer(news, `▲ ${fresh.size} new`)
  })
  // A page that nobody sees needs no events; a browser has six connections for all tabs.
  addEventListener('pagehide', () => source.close())
}

function offer(news, words) {
  news.href = location.href
  news.textContent = words
  news.hidden = false
}

localTimes(document)
setInterval(() => localTimes(document), 30_000)
document.documentElement.classList.add('script')
const { stream, live: as } = document.body.dataset
if (stream) listen(stream, as)
addEventListener('pageshow', (event) => {
  // Out of the back-forward cache: its events ended.
  if (event.persisted) location.reload()
})
