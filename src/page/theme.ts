/** Light or dark: as the system has it, until somebody chooses; printed always light. */
import {element} from './dom.js'

export type Scheme = 'light' | 'dark'

const STORED = 'rdbtool-scheme'
const dark = matchMedia('(prefers-color-scheme: dark)')
const print = matchMedia('print')
const listeners = new Set<() => void>()
let chosen = stored()

/** A page from a file may have no storage: then it is remembered as long as it is open. */
function stored(): Scheme | undefined {
  try {
    const name = localStorage.getItem(STORED)
    return name === 'light' || name === 'dark' ? name : undefined
  } catch {
    return undefined
  }
}

export function scheme(): Scheme {
  if (print.matches) return 'light'
  return chosen ?? (dark.matches ? 'dark' : 'light')
}

/** Called whenever colours change. */
export function onScheme(listener: () => void): void {
  listeners.add(listener)
}

function apply(): void {
  document.documentElement.style.colorScheme = scheme()
  document.documentElement.dataset['scheme'] = scheme()
  for (const listener of listeners) listener()
}

export function startTheme(): void {
  dark.addEventListener('change', apply)
  print.addEventListener('change', apply)
  apply()
}

export function themeButton(): HTMLElement {
  const button = element('button', 'theme no-print', {type: 'button'})
  const tell = (): void => {
    const other = scheme() === 'dark' ? 'light' : 'dark'
    button.textContent = scheme() === 'dark' ? '☀' : '☾'
    button.setAttribute('aria-label', `Show it ${other}`)
    button.title = `Show it ${other}`
  }
  button.addEventListener('click', () => {
    chosen = scheme() === 'dark' ? 'light' : 'dark'
    try {
      localStorage.setItem(STORED, chosen)
    } catch {
      // It holds for this page only.
    }
    apply()
  })
  onScheme(tell)
  tell()
  return button
}

/** A colour of the style sheet, as the present scheme has it. */
export function colour(name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(--${name})`
  document.body.append(probe)
  const found = getComputedStyle(probe).color
  probe.remove()
  return found
}
