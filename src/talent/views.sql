CREATE TABLE talent_need(
  component TEXT NOT NULL,
  skill TEXT NOT NULL,
  people_min INTEGER NOT NULL,
  port_hours_per_operator_min INTEGER NOT NULL,
  port_hours_per_operator_max INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(component, skill)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_talent_need(component, skill, people_min, port_hours_per_operator_min, port_hours_per_operator_max,
                               statement) AS
  SELECT component, skill, people_min, port_hours_per_operator_min, port_hours_per_operator_max, statement
  FROM talent_need;
