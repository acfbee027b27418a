// What a browser makes of the page: left in it as JSON, for whoever dumps it.
addEventListener('load', () => {
  const within = (inner, outer) =>
    inner.left >= outer.left - 1 && inner.right <= outer.right + 1 &&
    inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  const apart = (a, b) =>
    a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
  const charts = [...document.querySelectorAll('svg')].map(svg => {
    const box = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent);
    const boxes = texts.map(text => text.getBoundingClientRect());
    const overlapping = texts.filter((_, at) => boxes.slice(at + 1).some(other => !apart(boxes[at], other)));
    const lines = [...svg.querySelectorAll('.line, .bar')];
    return {
      texts: texts.length,
      outside: texts.filter((_, at) => !within(boxes[at], box)).map(text => text.textContent),
      overlapping: overlapping.map(text => text.textContent),
      drawn: lines.filter(line => line.getTotalLength() > 0).length,
      linesOutside: lines.filter(line => !within(line.getBoundingClientRect(), box)).length,
    };
  });

  // The contrast of colours after WCAG 2.2, 1.4.3.
  const channels = colour => colour.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = channels(getComputedStyle(element).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [...document.querySelectorAll('body *')]
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .filter(element => !['SCRIPT', 'STYLE'].includes(element.tagName))
    .filter(element => {
      const style = getComputedStyle(element);
      const [a, b] = [light(channels(element.tagName === 'text' ? style.fill : style.color)), light(behind(element))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
    })
    .map(element => element.textContent);

  const seen = document.createElement('pre');
  seen.id = 'seen';
  seen.textContent = JSON.stringify({
    width: innerWidth,
    dark: matchMedia('(prefers-color-scheme: dark)').matches,
    paper: getComputedStyle(document.body).backgroundColor,
    tooWide: document.documentElement.scrollWidth - innerWidth,
    fetched: performance.getEntriesByType('resource').map(entry => entry.name),
    charts,
    faint,
  });
  document.body.append(seen);
});
