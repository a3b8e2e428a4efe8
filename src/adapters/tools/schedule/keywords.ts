/** Beginnings of what people say when they want something done at a time, or again and again. */
const en = `remind|schedul|an alarm|alarm for|alarm at|wake me|ping me|notify me|let me know every|let me know when it changes
recurring|every day|every week|every hour|every morning|every evening|every night|every month|every year
every mon|every tue|every wed|every thu|every fri|every sat|every sun|each day|each morning|each week|each month
hourly|daily|weekly|monthly|my jobs|jobs do i have|jobs are there`;
const de = `erinner|wecker|weck mich|sag mir bescheid|gib mir bescheid|benachrichtig|zeitplan|jeden tag|jeden morgen
jeden mittag|jeden abend|jeden monat|jeden montag|jeden dienstag|jeden mittwoch|jeden donnerstag|jeden freitag
jeden samstag|jeden sonntag|jeden werktag|jede woche|jede stunde|jede nacht|stündlich|täglich|wöchentlich|monatlich`;
const es = `recuérda|recuerdame|recordatorio|recordarme|avísame|avisame|avísame|despiértame|despiertame|una alarma|cada día
cada dia|cada semana|cada mes|cada hora|cada mañana|cada tarde|cada noche|cada lunes|cada martes|cada miércoles
cada jueves|cada viernes|cada sábado|cada domingo|todos los días|todos los dias|todos los lunes|todos los martes
todos los miércoles|todos los jueves|todos los viernes|todos los sábados|todos los domingos|todas las mañanas
todas las tardes|todas las noches|todas las semanas|diariamente|semanalmente|mensualmente`;
const fr = `rappel|réveille|reveille|préviens-moi|previens-moi|avertis-moi|planifi|chaque jour|chaque matin|chaque soir
chaque semaine|chaque mois|chaque heure|chaque lundi|chaque mardi|chaque mercredi|chaque jeudi|chaque vendredi
chaque samedi|chaque dimanche|tous les jours|tous les matins|tous les soirs|tous les mois|tous les lundis
tous les mardis|tous les mercredis|tous les jeudis|tous les vendredis|tous les samedis|tous les dimanches
toutes les heures|toutes les semaines|quotidien|hebdomadaire`;

export const keywords: readonly string[] = [en, de, es, fr].flatMap((words) => words.split(/[|\n]/));
