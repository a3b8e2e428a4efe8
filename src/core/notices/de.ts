import { access } from './access.ts';
import { approvals } from './approvals.ts';
import { budget } from './budget.ts';
import { notes } from './notes.ts';
import { results } from './results.ts';
import { settings } from './settings.ts';
import { stories } from './story.ts';
import type { Words } from './words.ts';

const roles = { owner: 'Besitzer', member: 'Mitglied', guest: 'Gast' } as const;

export const de: Words = {
  summaries: {
    start: 'sagt Hallo',
    help: 'zeigt die Befehle',
    new: 'beginnt ein neues Gespräch; das alte bleibt gespeichert',
    stop: 'bricht die Antwort ab, die gerade entsteht',
    status: 'zeigt, wie es dem Gateway geht',
    model: 'zeigt oder wählt das Modell dieses Gesprächs',
    why: 'erzählt, was aus deiner letzten Nachricht wurde',
    whoami: 'zeigt, für wen ich dich halte',
    lang: 'wählt die Sprache meiner Hinweise',
    usage: 'zeigt, was Modelle gekostet haben und was übrig ist',
    settings: 'zeigt oder ändert, wie du es möchtest: Modell, Zeitzone, Ruhezeit',
    pair: 'verbindet ein weiteres Konto von dir',
    remind: 'erinnert dich an etwas: /remind morgen um 9 Anna anrufen',
    jobs: 'zeigt und ändert deine Erinnerungen und Aufträge',
    tasks: 'zeigt, was läuft und was erledigt ist',
    notes: 'zeigt deine Notizen, oder die mit bestimmten Wörtern',
    forget: 'vergisst eine Notiz',
    approve: 'erlaubt, wonach ich frage',
    deny: 'lehnt ab, wonach ich frage',
  },
  hello: (name) => `Hallo ${name}! Schreib mir, und ich antworte; /help zeigt, was ich sonst verstehe.`,
  answeredBy: (model) => `Die Antworten kommen von ${model}.`,
  answeredByDemo:
    'Noch ist kein Modell verbunden: es antwortet eine Demo. Setze OPENAI_API_KEY oder ANTHROPIC_API_KEY, oder starte Ollama, und starte mich neu.',
  newConversation: 'Ein neues Gespräch beginnt. Das bisherige bleibt gespeichert, aber ich sehe es nicht mehr an.',
  stopped: 'Abgebrochen.',
  whoami: ({ name, id, channel, person, role, chat, session }) =>
    `Du bist ${name} (Kennung \`${id}\` auf ${channel}), Person \`${person}\`, Rolle ${roles[role]}. ` +
    `Dieses Gespräch ist \`${chat}\`, Sitzung \`${session}\`.`,
  access: access.de,
  approvals: approvals.de,
  notes: notes.de,
  budget: budget.de,
  results: results.de,
  settings: settings.de,
  story: stories.de,
  unknownCommand: 'Diesen Befehl kenne ich nicht; /help zeigt, was ich verstehe.',
  status: ({ uptime, model, waiting, running }) =>
    `Läuft seit ${uptime}. Modell: ${model}. Nachrichten in Arbeit: ${running}, wartend: ${waiting}.`,
  channelTrouble: (channel, detail) => `${channel} hat eine Störung: ${detail}`,
  allChannelsWell: (count) => (count === 1 ? 'Der Kanal arbeitet.' : `Alle ${count} Kanäle arbeiten.`),
  modelIs: (model, pinned) =>
    pinned
      ? `Dieses Gespräch benutzt ${model}; \`/model default\` hebt das auf.`
      : `Das Standardmodell antwortet: ${model}.`,
  modelChoices: (models) => `Wähle mit /model und einem von: ${models.join(', ')}`,
  modelSet: (model) => `Ab jetzt antwortet ${model} in diesem Gespräch.`,
  modelReset: (model) => `Das Standardmodell antwortet wieder: ${model}.`,
  modelUnknown: (model) => `Ein Modell ${model} gibt es hier nicht.`,
  nothingToExplain: 'In diesem Gespräch gibt es keine frühere Nachricht, von der ich erzählen könnte.',
  languageIs: (name, choices) => `Meine Hinweise sind auf ${name}. Andere: ${choices}; wähle mit /lang und dem Kürzel.`,
  languageSet: 'Meine Hinweise sind jetzt auf Deutsch. Antworten kommen in der Sprache, in der du schreibst.',
  languageUnknown: (asked, choices) => `Auf ${asked} habe ich keine Hinweise. Ich habe: ${choices}.`,
  emptyAnswer: 'Das Modell gab eine leere Antwort. Frag noch einmal, oder mit anderen Worten.',
  couldNotAnswer: (reason) => `Ich konnte nicht antworten: ${reason}`,
  interrupted: '*(unterbrochen)*',
  cut: '*(abgebrochen)*',
  notKept: 'Ich konnte meine Antwort nicht speichern; das Log des Gateways sagt, warum.',
  stillWorking: '*Ich arbeite noch daran …*',
  tooMuch:
    'Das war zu viel auf einmal: Ich beantworte, was vorher kam, und lasse aus, was jetzt kommt. Warte ein wenig und schreib dann wieder.',
  outage: 'Ich behalte deine Nachricht und antworte, sobald ein Modell wieder da ist.',
  outageOver: 'Das Modell ist wieder da; ich beantworte, was offen blieb.',
  repeated: '(nach einer Unterbrechung noch einmal gesendet)',
};
