import type { Language } from '../languages.ts';
import type { BudgetWords } from './budget-words.ts';

const en: BudgetWords = {
  exceeded: ({ whose, period, own, renewsIn }) => {
    const when = period === 'day' ? 'today' : 'this month';
    const budget = { person: 'Your budget', channel: 'The budget of this channel', total: 'My budget' }[whose];
    const left = own === null ? '' : `: you have ${own.left} of ${own.limit} left`;
    return `${budget} for ${when} does not reach for this answer${left}. It is renewed in ${renewsIn}.`;
  },
  unpriced: (model) =>
    `I may not ask ${model}: there is a limit in money, and nobody told me what this model costs. An owner can set its prices.`,
  tokens: (amount) => `${amount} tokens`,
  today: 'Today',
  thisMonth: 'This month',
  sum: ({ calls, tokens, cost }) =>
    `${calls} ${calls === 1 ? 'request' : 'requests'}, ${tokens} tokens, ${cost ?? 'price unknown'}`,
  unpricedCalls: (count) => `${count} of them of unknown price`,
  nothing: 'nothing',
  left: 'What is left:',
  accounts: { person: 'you', total: 'all together' },
  channel: (name) => `all on ${name}`,
  periods: { day: 'today', month: 'this month' },
  budget: ({ whose, period, left, limit, renewsIn }) =>
    `${whose}, ${period}: ${left} of ${limit}, renewed in ${renewsIn}`,
  unlimited: 'Nothing limits you.',
  everybody: 'Everybody, this month:',
  pricesAsOf: (date) => `Built-in prices are those of ${date}.`,
};

const de: BudgetWords = {
  exceeded: ({ whose, period, own, renewsIn }) => {
    const when = period === 'day' ? 'heute' : 'diesen Monat';
    const budget = { person: 'Dein Budget', channel: 'Das Budget dieses Kanals', total: 'Mein Budget' }[whose];
    const left = own === null ? '' : `: Übrig sind ${own.left} von ${own.limit}`;
    return `${budget} für ${when} reicht für diese Antwort nicht${left}. In ${renewsIn} gibt es neues.`;
  },
  unpriced: (model) =>
    `Ich darf ${model} nicht fragen: Es gilt ein Limit in Geld, und ich weiß nicht, was dieses Modell kostet. Ein Besitzer kann die Preise eintragen.`,
  tokens: (amount) => `${amount} Tokens`,
  today: 'Heute',
  thisMonth: 'Diesen Monat',
  sum: ({ calls, tokens, cost }) =>
    `${calls} ${calls === 1 ? 'Anfrage' : 'Anfragen'}, ${tokens} Tokens, ${cost ?? 'Preis unbekannt'}`,
  unpricedCalls: (count) => `davon ${count} mit unbekanntem Preis`,
  nothing: 'nichts',
  left: 'Übrig:',
  accounts: { person: 'du', total: 'alle zusammen' },
  channel: (name) => `alle auf ${name}`,
  periods: { day: 'heute', month: 'diesen Monat' },
  budget: ({ whose, period, left, limit, renewsIn }) => `${whose}, ${period}: ${left} von ${limit}, neu in ${renewsIn}`,
  unlimited: 'Für dich gilt kein Limit.',
  everybody: 'Alle, diesen Monat:',
  pricesAsOf: (date) => `Eingebaute Preise sind vom Stand ${date}.`,
};

const es: BudgetWords = {
  exceeded: ({ whose, period, own, renewsIn }) => {
    const when = period === 'day' ? 'hoy' : 'este mes';
    const budget = { person: 'Tu presupuesto', channel: 'El presupuesto de este canal', total: 'Mi presupuesto' }[
      whose
    ];
    const left = own === null ? '' : `: quedan ${own.left} de ${own.limit}`;
    return `${budget} para ${when} no alcanza para esta respuesta${left}. Se renueva en ${renewsIn}.`;
  },
  unpriced: (model) =>
    `No puedo preguntar a ${model}: hay un límite en dinero y no sé cuánto cuesta este modelo. Un dueño puede indicar sus precios.`,
  tokens: (amount) => `${amount} tokens`,
  today: 'Hoy',
  thisMonth: 'Este mes',
  sum: ({ calls, tokens, cost }) =>
    `${calls} ${calls === 1 ? 'petición' : 'peticiones'}, ${tokens} tokens, ${cost ?? 'precio desconocido'}`,
  unpricedCalls: (count) => `${count} de ellas de precio desconocido`,
  nothing: 'nada',
  left: 'Queda:',
  accounts: { person: 'tú', total: 'todos juntos' },
  channel: (name) => `todos en ${name}`,
  periods: { day: 'hoy', month: 'este mes' },
  budget: ({ whose, period, left, limit, renewsIn }) =>
    `${whose}, ${period}: ${left} de ${limit}, se renueva en ${renewsIn}`,
  unlimited: 'No tienes ningún límite.',
  everybody: 'Todos, este mes:',
  pricesAsOf: (date) => `Los precios incluidos son de ${date}.`,
};

const fr: BudgetWords = {
  exceeded: ({ whose, period, own, renewsIn }) => {
    const when = period === 'day' ? 'aujourd’hui' : 'ce mois-ci';
    const budget = { person: 'Ton budget', channel: 'Le budget de ce canal', total: 'Mon budget' }[whose];
    const left = own === null ? '' : ` : il reste ${own.left} sur ${own.limit}`;
    return `${budget} pour ${when} ne suffit pas pour cette réponse${left}. Il est renouvelé dans ${renewsIn}.`;
  },
  unpriced: (model) =>
    `Je ne peux pas interroger ${model} : il y a une limite en argent et je ne sais pas ce que coûte ce modèle. Un propriétaire peut indiquer ses prix.`,
  tokens: (amount) => `${amount} jetons`,
  today: 'Aujourd’hui',
  thisMonth: 'Ce mois-ci',
  sum: ({ calls, tokens, cost }) =>
    `${calls} ${calls === 1 ? 'requête' : 'requêtes'}, ${tokens} jetons, ${cost ?? 'prix inconnu'}`,
  unpricedCalls: (count) => `dont ${count} de prix inconnu`,
  nothing: 'rien',
  left: 'Il reste :',
  accounts: { person: 'toi', total: 'tous ensemble' },
  channel: (name) => `tous sur ${name}`,
  periods: { day: 'aujourd’hui', month: 'ce mois-ci' },
  budget: ({ whose, period, left, limit, renewsIn }) =>
    `${whose}, ${period} : ${left} sur ${limit}, renouvelé dans ${renewsIn}`,
  unlimited: 'Rien ne te limite.',
  everybody: 'Tout le monde, ce mois-ci :',
  pricesAsOf: (date) => `Les prix intégrés datent de ${date}.`,
};

export const budget: Readonly<Record<Language, BudgetWords>> = { en, de, es, fr };
