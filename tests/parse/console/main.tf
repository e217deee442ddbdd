# The surroundings of the expressions: variables of every kind of type, locals, and texts over several lines.

variable "name" {
  type    = string
  default = "träger"
}

variable "size" {
  type    = string
  default = 12
}

variable "port" {
  type    = number
  default = "8080"
}

variable "on" {
  type    = bool
  default = "true"
}

variable "anything" {
  type    = any
  default = [1, "two", true]
}

variable "untyped" {
  default = { a = 1, b = "two" }
}

variable "nothing" {
  type    = string
  default = null
}

variable "never_null" {
  type     = string
  default  = "kept"
  nullable = false
}

variable "names" {
  type    = list(string)
  default = ["b", 1, true, null]
}

variable "empty_list" {
  type    = list(string)
  default = []
}

variable "zones" {
  type    = set(string)
  default = ["c", "a", "b", "a", 1]
}

variable "numbers" {
  type    = set(number)
  default = [10, "9", 1.5, -2, 10]
}

variable "flags" {
  type    = set(bool)
  default = [true, false, "true"]
}

variable "tags" {
  type    = map(string)
  default = { team = "ml", cost = 7, "key with blanks" = true }
}

variable "loose" {
  type    = map(any)
  default = { one = 1, two = "2", three = true }
}

variable "lists" {
  type    = map(list(number))
  default = { a = ["1", 2], b = [] }
}

variable "any_list" {
  type    = list(any)
  default = [1, "x", false]
}

variable "any_objects" {
  type    = list(any)
  default = [{ a = 1 }, { a = "x" }]
}

variable "pair" {
  type    = tuple([string, number, bool])
  default = [1, "2", "false"]
}

variable "node" {
  type = object({
    type   = string
    count  = optional(number, 2)
    spot   = optional(bool)
    labels = optional(map(string), { from = "default", n = 1 })
    disk   = optional(object({ size = optional(number, 50), kind = optional(string, "gp3") }), {})
    extra  = optional(any)
  })
  default = { type = "ml.g5.xlarge", ignored = "not part of the type" }
}

variable "nodes" {
  type = map(object({
    type  = string
    count = optional(number, 1)
    disks = optional(list(object({ size = number, kind = optional(string, "gp3") })), [])
    taint = optional(string)
  }))
  default = {
    gpu = { type = "p4d", count = "3", disks = [{ size = "100" }, { size = 5, kind = "io2" }] }
    cpu = { type = "m5", count = null, taint = null }
  }
}

variable "rules" {
  type = set(object({ from = number, to = optional(number, 65535), note = optional(string) }))
  default = [
    { from = 443 }, { from = 22, to = 22 }, { from = "443" }, { from = 80, note = "web" },
  ]
}

variable "strange" {
  type    = object({ dashed-name = string, list = list(object({ deep = optional(list(string), ["d"]) })) })
  default = { "dashed-name" = 5, list = [{}, { deep = [1] }, { deep = null }] }
}

locals {
  total   = sum([for n in var.nodes : n.count])
  renamed = { for k, v in var.nodes : upper(k) => "${v.type}.${v.count}xlarge" }
  letters = ["a", "b", "c"]
  grid    = [[1, 2], [3, 4], []]
  mixed   = { list = [1, "a"], map = { x = 1 }, text = "t", none = null }
  objects = [
    { id = "i-1", size = 3, tags = { a = "x" } },
    { id = "i-2", size = 5, tags = {} },
    { id = "i-3", size = 4, tags = { a = "y", b = "z" } },
  ]
  nested = { a = { b = { c = [10, 20, { d = "deep" }] } } }

  heredoc = <<EOT
first ${var.name}
  second "quoted" \n $${kept} %%{kept}

last
EOT

  indented = <<-EOT
      six
        eight ${var.size}
    four

      six again
    EOT

  indented_deeper_close = <<-EOT
    a
      b
        EOT

  indented_value_first = <<-EOT
    ${var.size} begins
      then
  EOT

  directives = <<-EOT
    %{for key, node in var.nodes~}
    ${key}: ${node.type}
    %{if node.count > 1}many%{else}one%{endif}
    %{endfor~}
    end
  EOT

  stripped_before = <<EOT
one
  ${~var.size}
two
EOT

  stripped_after = <<EOT
one ${var.size ~}

  two
EOT

  stripped_both = "a   ${~ " b " ~}   c"

  if_strip = <<EOT
%{if var.on~}
  yes
%{else~}
  no
%{endif~}
EOT

  loop_strip = <<EOT
[
%{~for n in [1, 2, 3]~}
 ${n},
%{~endfor~}
]
EOT

  json_heredoc = jsondecode(<<EOT
{"a": [1, 2.50, "x"], "b": {"c": null, "d": true}}
EOT
  )

  yaml_heredoc = yamldecode(<<-EOT
    name: x
    list:
      - 1
      - two
      - {three: 3}
    empty:
    text: |
      line one
      line two
  EOT
  )

  chain = (
    var.port > 9000
    ? "high"
    : var.port > 8000 ? "middle"
    : "low"
  )

  spread = merge(
    { a = 1 }, # one
    { b = 2 }, // two
    /* three */ { c = 3 },
  )

  keys = {
    plain         = 1
    "quoted"      = 2
    (var.name)    = 3
    "${var.size}" = 4
    (1 + 1)       = 5
    colon : 6
    "in" = 7, for_each = 8
    true = 9
  }

  lines = "a\nb\nc"
  crlf  = "a\r\nb\r\n"
  page  = "no template: $ 100 % $$ %% $x %y {} "
}
