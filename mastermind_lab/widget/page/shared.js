// What the other files use: elements, safe copies of cards, and colours of the page's own theme.
// The files are put one behind the other, in the order in which view.py names them.

const POINT = 96 / 72; // pixels
const DAY = 86400000; // milliseconds

function make(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children); // texts become text nodes, never markup
  return made;
}

const TAGS = new Set("DIV SPAN BDI B I UL OL LI DETAILS SUMMARY TABLE TBODY TR TH TD A BR".split(" "));
const ATTRIBUTES = new Set("class dir open colspan scope aria-hidden rel target".split(" "));

// A card comes as markup that was escaped where it was made. Nothing of it is taken over but known elements,
// harmless attributes, and text: it is read in a document that neither runs nor fetches anything.
function copied(from, to) {
  for (const one of from.childNodes) {
    if (one.nodeType === Node.TEXT_NODE) to.append(one.data);
    if (!TAGS.has(one.tagName)) continue;
    const made = document.createElement(one.tagName);
    for (const { name, value } of one.attributes) {
      if (ATTRIBUTES.has(name)) made.setAttribute(name, value);
      if (name === "href" && /^https?:\/\//.test(value)) made.href = value;
      if (name === "style" && /^(width|left):\d+%$/.test(value)) made.style.cssText = value;
    }
    to.append(copied(one, made));
  }
  return to;
}

const card = markup => {
  const box = make("div", { className: "mastermind-decision tex2jax_ignore mathjax_ignore" });
  return copied(new DOMParser().parseFromString(markup, "text/html").body, box);
};

const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

// Any colour that CSS knows as red, green, blue and opacity, 0 to 255.
function parts(colour) {
  pixel.canvas.width = pixel.canvas.height = 1;
  pixel.fillStyle = colour;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data];
}

const light = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

class Theme {
  constructor(element, palettes) {
    let behind = element;
    let paper = [0, 0, 0, 0];
    while (behind && paper[3] < 255) {
      paper = parts(getComputedStyle(behind).backgroundColor);
      behind = behind.parentElement ?? behind.getRootNode().host;
    }
    this.paper = paper[3] < 255 ? parts("Canvas") : paper;
    this.ink = parts(getComputedStyle(element).color);
    if (Math.abs(light(this.ink) - light(this.paper)) < 90) this.ink = light(this.paper) > 128 ? [0, 0, 0] : [255, 255, 255];
    const series = palettes[light(this.paper) > light(this.ink) ? "light" : "dark"];
    this.full = [this.ink, ...series.map(parts)];
    this.font = getComputedStyle(element).fontFamily;
    this.known = new Map();
  }

  // A mixture of paper and ink, or a series' colour, as the charts say it; or a colour of one's own.
  colour(said) {
    if (typeof said === "string") return said;
    const key = said.join();
    if (!this.known.has(key)) {
      const [number, share] = said;
      const mixed = this.full[number].slice(0, 3).map((one, i) => Math.round(this.paper[i] + share * (one - this.paper[i])));
      this.known.set(key, `rgb(${mixed.join()})`);
    }
    return this.known.get(key);
  }
}
