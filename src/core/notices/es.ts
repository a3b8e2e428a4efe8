import { access } from './access.ts';
import { approvals } from './approvals.ts';
import { budget } from './budget.ts';
import { notes } from './notes.ts';
import { results } from './results.ts';
import { settings } from './settings.ts';
import { stories } from './story.ts';
import type { Words } from './words.ts';

const roles = { owner: 'propietario', member: 'miembro', guest: 'invitado' } as const;

export const es: Words = {
  summaries: {
    start: 'saluda',
    help: 'muestra los comandos',
    new: 'empieza una conversación nueva; la anterior queda guardada',
    stop: 'detiene la respuesta que se está escribiendo',
    status: 'muestra cómo está el gateway',
    model: 'muestra o elige el modelo de esta conversación',
    why: 'cuenta qué pasó con tu último mensaje',
    whoami: 'muestra quién creo que eres',
    lang: 'elige el idioma de mis avisos',
    usage: 'muestra lo que se ha usado de los modelos y lo que queda',
    settings: 'muestra o cambia cómo lo quieres: modelo, zona horaria, horas de silencio',
    pair: 'conecta otra cuenta tuya',
    remind: 'te recuerda algo a su hora: /remind mañana a las 9 llamar a Ana',
    jobs: 'muestra y cambia tus recordatorios y trabajos',
    tasks: 'muestra lo que está en curso y lo que se hizo',
    notes: 'muestra tus notas, o las que tienen unas palabras',
    forget: 'olvida una nota',
    approve: 'permite lo que pregunto',
    deny: 'rechaza lo que pregunto',
  },
  hello: (name) => `¡Hola, ${name}! Escríbeme y te respondo; /help muestra qué más entiendo.`,
  answeredBy: (model) => `Las respuestas vienen de ${model}.`,
  answeredByDemo:
    'Aún no hay ningún modelo conectado: responde una demo. Define OPENAI_API_KEY o ANTHROPIC_API_KEY, o arranca Ollama, y reiníciame.',
  newConversation: 'Empieza una conversación nueva. Lo anterior queda guardado, pero ya no lo miro.',
  stopped: 'Detenido.',
  whoami: ({ name, id, channel, person, role, chat, session }) =>
    `Eres ${name} (id \`${id}\` en ${channel}), persona \`${person}\`, rol ${roles[role]}. ` +
    `Esta conversación es \`${chat}\`, sesión \`${session}\`.`,
  access: access.es,
  approvals: approvals.es,
  notes: notes.es,
  budget: budget.es,
  results: results.es,
  settings: settings.es,
  story: stories.es,
  unknownCommand: 'No conozco este comando; /help muestra los que entiendo.',
  status: ({ uptime, model, waiting, running }) =>
    `En marcha desde hace ${uptime}. Modelo: ${model}. Mensajes en curso: ${running}, en espera: ${waiting}.`,
  channelTrouble: (channel, detail) => `${channel} tiene un problema: ${detail}`,
  allChannelsWell: (count) => (count === 1 ? 'El canal funciona.' : `Los ${count} canales funcionan.`),
  modelIs: (model, pinned) =>
    pinned
      ? `Esta conversación usa ${model}; \`/model default\` lo deshace.`
      : `Responde el modelo por defecto: ${model}.`,
  modelChoices: (models) => `Elige con /model y uno de: ${models.join(', ')}`,
  modelSet: (model) => `Desde ahora responde ${model} en esta conversación.`,
  modelReset: (model) => `Vuelve a responder el modelo por defecto: ${model}.`,
  modelUnknown: (model) => `Aquí no hay ningún modelo ${model}.`,
  nothingToExplain: 'En esta conversación no hay ningún mensaje anterior del que contar.',
  languageIs: (name, choices) => `Mis avisos están en ${name}. Otros: ${choices}; elige con /lang y el código.`,
  languageSet: 'Mis avisos están ahora en español. Las respuestas van en el idioma en que escribes.',
  languageUnknown: (asked, choices) => `No tengo avisos en ${asked}. Tengo: ${choices}.`,
  emptyAnswer: 'El modelo dio una respuesta vacía. Pregunta otra vez, o con otras palabras.',
  couldNotAnswer: (reason) => `No pude responder: ${reason}`,
  interrupted: '*(interrumpido)*',
  cut: '*(detenido)*',
  notKept: 'No pude guardar mi respuesta; el registro del gateway dice por qué.',
  stillWorking: '*Sigo trabajando en ello…*',
  tooMuch:
    'Es demasiado de una vez: respondo lo que llegó antes de esto y omito lo que llegue ahora. Espera un poco y escribe de nuevo.',
  outage: 'Guardo tu mensaje y respondo cuando vuelva un modelo.',
  outageOver: 'El modelo ha vuelto; respondo lo que quedó pendiente.',
  repeated: '(enviado otra vez tras una interrupción)',
};
