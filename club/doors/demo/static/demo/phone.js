// The phone: its number, its messages, a top-up. The club's screen is in club.js.
import {$, digits, element, isWhole, post, say, shortTime, stage} from './page.js';
import {refresh, signOut} from './club.js';

const POLL_MS = 2000;
const tabs = ['inbox', 'club'];
let shown = 0;
let asked = '';

// ---- number --------------------------------------------------------------------------------
const numberChanged = () => {
  const number = digits();
  $('number-note').textContent = isWhole(number) ? '' : say('bad_msisdn');
  $('phone-number').textContent = isWhole(number) ? `+${number}` : '';
  for (const chip of document.querySelectorAll('[data-number]'))
    chip.setAttribute('aria-pressed', chip.dataset.number === number);
  if (number === asked) return;
  asked = number;
  shown = 0;
  $('bubbles').replaceChildren();
  $('inbox-state').textContent = '';
  $('inbox-loading').hidden = !isWhole(number);
  signOut();
  readInbox();
};

// ---- messages ------------------------------------------------------------------------------
const bubble = (message) => {
  const row = element('li', 'bubble');
  row.append(element('b', 'bubble__from', message.from), element('p', '', message.text));
  const at = new Date(message.at);
  const time = element('time', '', shortTime(at));
  time.dateTime = at.toISOString();
  row.append(time);
  return row;
};

const readInbox = async () => {
  const number = digits();
  if (!isWhole(number)) return;
  let state = '';
  try {
    const {messages} = await post(stage.dataset.inbox, {msisdn: number});
    if (number !== digits()) return; // The number changed while this was on its way.
    if (messages.length < shown) { shown = 0; $('bubbles').replaceChildren(); }
    const fresh = messages.slice(shown);
    shown = messages.length;
    $('bubbles').append(...fresh.map(bubble));
    if (fresh.length) { noticed(fresh.length); $('inbox').scrollTop = $('inbox').scrollHeight; }
    if (!shown) state = say('empty');
  } catch (error) {
    state = say(error.message);
  }
  $('inbox-loading').hidden = true;
  if ($('inbox-state').textContent !== state) $('inbox-state').textContent = state;
};

const noticed = (count) => {
  if (!$('inbox').hidden) return;
  $('unread').textContent = Number($('unread').textContent) + count;
  $('unread').hidden = false;
};

// ---- top-up --------------------------------------------------------------------------------
const payNow = async (event) => {
  event.preventDefault();
  const button = event.submitter ?? event.target.querySelector('[type=submit]');
  const note = $('top-up-note');
  button.disabled = true;
  note.textContent = say('paying');
  try {
    await post(stage.dataset.topUp, {
      msisdn: digits(),
      amount_uzs: $('amount').value.replace(/\s/g, ''),
      channel: $('channel').value,
    });
    note.textContent = say('paid');
    setTimeout(refresh, 3000);
  } catch (error) {
    note.textContent = say(error.message);
  } finally {
    button.disabled = false;
  }
};

// ---- screens -------------------------------------------------------------------------------
const show = (chosen) => {
  for (const name of tabs) {
    const isShown = name === chosen;
    $(name).hidden = !isShown;
    $(`tab-${name}`).setAttribute('aria-selected', isShown);
    $(`tab-${name}`).tabIndex = isShown ? 0 : -1;
  }
  if (chosen === 'inbox') { $('unread').hidden = true; $('unread').textContent = ''; }
  else refresh();
};

for (const name of tabs) {
  $(`tab-${name}`).addEventListener('click', () => show(name));
  $(`tab-${name}`).addEventListener('keydown', (event) => {
    if (!['ArrowLeft', 'ArrowRight'].includes(event.key)) return;
    const other = tabs.find((each) => each !== name);
    show(other);
    $(`tab-${other}`).focus();
  });
}

const tick = () => {
  $('clock').textContent = shortTime(new Date());
};

for (const chip of document.querySelectorAll('[data-number]'))
  chip.addEventListener('click', () => { $('msisdn').value = `+${chip.dataset.number}`; numberChanged(); });
for (const chip of document.querySelectorAll('[data-amount]'))
  chip.addEventListener('click', () => { $('amount').value = chip.dataset.amount; });
$('msisdn').addEventListener('input', numberChanged);
$('number-form').addEventListener('submit', (event) => event.preventDefault());
$('top-up-form').addEventListener('submit', payNow);

numberChanged();
tick();
setInterval(tick, 10_000);
setInterval(() => { if (!document.hidden) readInbox(); }, POLL_MS);
