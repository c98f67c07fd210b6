// What is wrong with a page as it stands now, as a list of sentences. The page itself has no script; this is put into it from outside.
// `want` = {figures: titles that must be there, width: CSS pixels of the page, print: whether it is laid out for paper}.
(want => {
	const found = [];
	const say = (what, text) => found.push(`${what}: ${text}`.replace(/\s+/g, ' ').slice(0, 300));
	const all = (selector, from = document) => [...from.querySelectorAll(selector)];
	const name = e => `${e.tagName.toLowerCase()} "${(e.textContent || e.getAttribute('aria-label') || '').trim().slice(0, 60)}"`;
	const colour = text => (text.match(/[\d.]+/g) || []).map(Number); // "rgb(1, 2, 3)", "rgba(1, 2, 3, 0.5)"
	const isSeen = c => c.length >= 3 && (c.length < 4 || c[3] > 0.5);
	const luminance = c => {
		const [r, g, b] = c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const contrast = (a, b) => {
		const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
		return (high + 0.05) / (low + 0.05);
	};
	const behind = e => { // the background that an element of the page is on
		for (; e; e = e.parentElement) {
			const c = colour(getComputedStyle(e).backgroundColor);
			if (isSeen(c)) return c;
		}
		return [255, 255, 255];
	};

	// ---- nothing is fetched, nothing runs
	for (const e of all('script, link, iframe, object, embed, base')) say('not self-contained', `there is a <${e.tagName.toLowerCase()}>`);
	for (const e of all('[src], [srcset], image, use, [background]'))
		for (const a of ['src', 'srcset', 'href', 'xlink:href', 'background']) {
			const v = e.getAttribute(a);
			if (v && !/^(data:|#)/.test(v)) say('not self-contained', `${e.tagName} takes ${v}`);
		}
	for (const e of all('style')) if (/@import|url\(\s*['"]?(?!data:|#)/.test(e.textContent)) say('not self-contained', 'the style sheet fetches something');

	// ---- the document: language, title, headings, landmarks, links
	if (!/^[a-z]{2}/.test(document.documentElement.lang)) say('language', 'the page does not say its language');
	if (!document.title.trim()) say('title', 'the page has none');
	if (!all('meta[name=viewport]').length) say('viewport', 'telephones are not told the width');
	if (all('main').length !== 1) say('landmark', `${all('main').length} main`);
	for (const e of all('nav')) if (!(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby'))) say('landmark', 'a nav without a name');
	const first = all('a[href], summary, [tabindex]')[0];
	if (!first || !/^#./.test(first.getAttribute('href') || '') || !document.getElementById(first.getAttribute('href').slice(1)))
		say('skip link', 'what the keyboard reaches first is no link past what repeats');
	const headings = all('h1, h2, h3, h4, h5, h6').map(e => [Number(e.tagName[1]), e]);
	if (headings.filter(h => h[0] === 1).length !== 1) say('headings', 'there is not one h1');
	headings.forEach(([level, e], i) => {
		if (i === 0 ? level !== 1 : level > headings[i - 1][0] + 1) say('headings', `${name(e)} skips a level`);
		if (!e.textContent.trim()) say('headings', `an empty h${level}`);
	});
	const ids = all('[id]').map(e => e.id);
	const seen = new Set();
	for (const id of ids) {
		if (seen.has(id)) say('ids', `${id} stands twice`);
		seen.add(id);
	}
	for (const a of all('a[href]')) {
		const to = a.getAttribute('href');
		if (to.startsWith('#') && !seen.has(decodeURIComponent(to.slice(1)))) say('links', `${name(a)} leads nowhere: ${to}`);
		if (!a.textContent.trim()) say('links', `an empty link to ${to}`);
	}
	for (const e of all('[tabindex]')) {
		if (Number(e.getAttribute('tabindex')) > 0) say('keyboard', `${name(e)} has an order of its own`);
		if (!(e.getAttribute('role') || e.tagName === 'FIGURE') || !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')))
			say('keyboard', `${name(e)} can be reached and has no name`);
	}

	// ---- tables
	for (const t of all('table')) {
		if (!t.caption || !t.caption.textContent.trim()) say('tables', `${name(t)} has no caption`);
		for (const th of all('th', t)) if (!/^(col|row)(group)?$/.test(th.getAttribute('scope') || '')) say('tables', `${name(th)} has no scope`);
		if (!t.tHead || !all('th[scope=col]', t.tHead).length) say('tables', `${name(t)} has no head`);
		for (const tr of all('tbody tr', t)) if (tr.cells.length && tr.cells[0].getAttribute('scope') !== 'row') say('tables', `${name(tr)}: its first cell is no head`);
	}

	// ---- widths
	const page = document.scrollingElement;
	if (page.scrollWidth > page.clientWidth) {
		const wide = all('body *').filter(e => e.getBoundingClientRect().right > page.clientWidth + 1 && !e.closest('.table, figure, pre'));
		say('width', `the page scrolls sideways: ${page.scrollWidth} of ${page.clientWidth} pixels; ${wide.slice(0, 3).map(name).join(', ')}`);
	}
	for (const e of all('body *')) {
		if (e.closest('svg') && e.tagName !== 'svg') continue;
		const box = e.getBoundingClientRect();
		if (box.width && want.print && box.right > page.clientWidth + 2)
			say('paper', `${name(e)} ends at ${Math.round(box.right)} of ${page.clientWidth} pixels`);
	}
	if (want.print)
		for (const d of all('details'))
			if (![...d.children].some(e => e.tagName !== 'SUMMARY' && e.checkVisibility({contentVisibilityAuto: true}) && e.getBoundingClientRect().height > 0))
				say('paper', `what is folded below ${name(d.firstElementChild)} is missing`);
	for (const e of all('.table, figure, pre')) // what scrolls within itself must be reachable by keyboard
		if (!want.print && e.scrollWidth > e.clientWidth + 1 && !e.hasAttribute('tabindex')) say('keyboard', `${name(e)} scrolls and cannot be reached`);

	// ---- contrast of the text
	const pairs = new Map();
	const tell = (e, ink, paper, size, weight) => {
		const needed = size >= 24 || (size >= 18.66 && weight >= 700) ? 3 : 4.5;
		const ratio = contrast(ink, paper), key = `${ink}/${paper}`;
		if (ratio < needed && !pairs.has(key)) pairs.set(key, `${name(e)} has ${ratio.toFixed(2)}, rgb(${ink}) on rgb(${paper})`);
	};
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const e = walker.currentNode.parentElement;
		if (!walker.currentNode.data.trim() || e.closest('svg')) continue;
		const style = getComputedStyle(e);
		tell(e, colour(style.color), behind(e), parseFloat(style.fontSize), Number(style.fontWeight));
	}

	// ---- figures
	const labels = all('figure svg').map(s => s.getAttribute('aria-label') || '');
	for (const title of want.figures)
		if (!labels.includes(title)) say('figures', `"${title}" is missing`);
	for (const f of all('figure')) {
		const svg = f.querySelector('svg');
		if (!svg) { say('figures', `${name(f)} has no drawing`); continue; }
		if (svg.getAttribute('role') !== 'img' || !svg.getAttribute('aria-label')) say('figures', `${name(f)} has no text for who does not see it`);
		if (!f.querySelector('figcaption') || !f.querySelector('figcaption').textContent.trim()) say('figures', `${name(svg)} has no caption`);
	}
	const area = (a, b, slack) => {
		const w = Math.min(a.right, b.right) - Math.max(a.left, b.left), h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
		return w > slack && h > slack;
	};
	for (const svg of all('figure svg')) {
		const title = svg.getAttribute('aria-label'), frame = svg.getBoundingClientRect();
		const drawn = all('path, line, rect, circle, use, polygon, polyline, ellipse', svg).filter(e => !e.closest('defs'));
		if (frame.width < 100 || frame.height < 30) say('figures', `"${title}" is ${frame.width} x ${frame.height} pixels`);
		if (!drawn.some(e => { const b = e.getBoundingClientRect(); return b.width > 0 || b.height > 0; })) say('figures', `"${title}" is empty`);
		const rects = drawn.filter(e => e.tagName === 'rect' || e.tagName === 'polygon').map(e => [e, e.getBoundingClientRect()]);
		const texts = all('text', svg).filter(t => t.textContent.trim()).map(t => {
			const b = t.getBoundingClientRect();
			// A line's box is higher than its letters: a fifth of it above and below is air.
			const across = b.width >= b.height, air = 0.2 * Math.min(b.width, b.height);
			return {t, box: across ? {left: b.left, right: b.right, top: b.top + air, bottom: b.bottom - air}
					       : {left: b.left + air, right: b.right - air, top: b.top, bottom: b.bottom}};
		});
		texts.forEach(({t, box}, i) => {
			if (box.right - box.left <= 0) say('labels', `"${title}": ${name(t)} has no size`);
			if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
				say('labels', `"${title}": ${name(t)} leaves the figure`);
			for (const other of texts.slice(i + 1))
				if (area(box, other.box, 1.5)) say('labels', `"${title}": ${name(t)} overlaps ${name(other.t)}`);
			const style = getComputedStyle(t), x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
			let paper = behind(svg);
			for (const [e, b] of rects)
				if (b.left <= x && x <= b.right && b.top <= y && y <= b.bottom && (e.compareDocumentPosition(t) & Node.DOCUMENT_POSITION_FOLLOWING)) {
					const fill = colour(getComputedStyle(e).fill), seen = Number(getComputedStyle(e).fillOpacity) * Number(getComputedStyle(e).opacity);
					if (isSeen(fill) && seen > 0) paper = fill.slice(0, 3).map((v, k) => v * seen + paper[k] * (1 - seen));
				}
			tell(t, colour(style.fill), paper.map(Math.round), parseFloat(style.fontSize), Number(style.fontWeight));
		});
	}
	for (const text of pairs.values()) say('contrast', text);
	return found;
})
