Hello ${name}!
%{ for x in items ~}
- ${upper(x)}
%{ endfor ~}
