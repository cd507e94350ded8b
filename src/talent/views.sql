-- Keyed by the member that said it.
CREATE TABLE talent_need(
  member TEXT NOT NULL,
  component TEXT NOT NULL,
  skill TEXT NOT NULL,
  people_min INTEGER NOT NULL,
  port_hours_per_operator_min INTEGER NOT NULL,
  port_hours_per_operator_max INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, component, skill)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_talent_need(member, component, skill, people_min, port_hours_per_operator_min,
                               port_hours_per_operator_max, statement) AS
  SELECT member, component, skill, people_min, port_hours_per_operator_min, port_hours_per_operator_max, statement
  FROM talent_need;
