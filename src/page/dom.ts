/** Elements, made so that no text can ever be markup: what comes from the data goes in as text. */

export type Child = Node | string | undefined | false

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** An element with a class, attributes and children; strings become text. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = '',
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  if (className !== '') made.className = className
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(attribute, value === true ? '' : String(value))
  }
  append(made, children)
  return made
}

export function append(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue
    parent.appendChild(typeof child === 'string' ? document.createTextNode(child) : child)
  }
}

/** `div`, the commonest. */
export function box(className: string, ...children: readonly Child[]): HTMLDivElement {
  return element('div', className, {}, ...children)
}

export function span(className: string, ...children: readonly Child[]): HTMLSpanElement {
  return element('span', className, {}, ...children)
}

/** A button of a group of which one is chosen. */
export function segmented<Name extends string>(
  label: string,
  names: readonly (readonly [name: Name, title: string])[],
  chosen: Name,
  choose: (name: Name) => void,
): HTMLElement {
  const buttons = names.map(([name, title]) => {
    const button = element('button', '', {type: 'button', 'aria-pressed': name === chosen ? 'true' : 'false'}, title)
    button.addEventListener('click', () => {
      for (const other of buttons) other.setAttribute('aria-pressed', other === button ? 'true' : 'false')
      choose(name)
    })
    return button
  })
  return element('div', 'segmented no-print', {role: 'group', 'aria-label': label}, ...buttons)
}

/** A section of the page, with a heading that can be linked to. */
export function section(id: string, title: string, note: Child, ...children: readonly Child[]): HTMLElement {
  const head = box(
    'section-head',
    element('h2', '', {}, title),
    note !== undefined && note !== false && box('note', note),
  )
  return element('section', '', {id}, head, ...children)
}

/** A bar of a share, 0 to 1, of its place. */
export function meter(share: number, className = ''): HTMLElement {
  const fill = span('fill')
  fill.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`
  return span(`meter ${className}`, fill)
}
