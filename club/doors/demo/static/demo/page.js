// What both screens of the phone need: the page's parts, its sentences, its number.
export const $ = (id) => document.getElementById(id);
export const stage = document.querySelector('.stage');
const sentences = JSON.parse($('sentences').textContent);

export const say = (code, values = {}) =>
  (sentences[code] ?? sentences.failed).replace(/\{(\w+)\}/g, (_, name) => values[name]);

export const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f');

export const digits = () => {
  const found = $('msisdn').value.replace(/\D/g, '');
  return found.length === 9 ? `998${found}` : found;
};

export const isWhole = (number) => /^998\d{9}$/.test(number);

export const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

/** Ask our own door; the answer's JSON, or an Error whose message is a code. */
export const post = async (url, fields) => {
  let answer;
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: {'X-CSRFToken': stage.dataset.csrf},
      body: new URLSearchParams(fields),
    });
  } catch {
    throw new Error('offline');
  }
  const told = await answer.json().catch(() => ({code: 'failed'}));
  if (!answer.ok) throw new Error(told.code);
  return told;
};

/** The day of an instant as it is written in Uzbekistan, where the phone is. */
export const shortDay = at => new Date(at).toLocaleDateString('ru', {timeZone: 'Asia/Tashkent'});

export const shortTime = at =>
  new Date(at).toLocaleTimeString('ru', {hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Tashkent'});
