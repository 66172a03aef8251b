-- Recipients may wait for the operator's curfew to end.
alter table recipients drop constraint recipients_due_reason_check;
alter table recipients add constraint recipients_due_reason_check
  check (due_reason in ('retry', 'cap', 'callback', 'curfew'));
